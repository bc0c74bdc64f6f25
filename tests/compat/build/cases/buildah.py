"""What buildah (1.28, in a chroot) does otherwise than dockerd, by reason.

For `report.py --both`, which compares the two: where they agree or the reason is known, a case and
the way of judging it can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Apart:
    """A reason, the cases in which it shows, and the parts that it changes there."""

    reason: str
    cases: tuple[str, ...]
    parts: tuple[str, ...] = ("build",)


APART: tuple[Apart, ...] = (
    Apart("it keeps a range of ports as one, and the letters of a protocol",
          ("expand-in-expose", "expose-forms", "expose-protocol-letters"), ("ExposedPorts",)),
    Apart("it does not check what EXPOSE names",
          ("expose-invalid", "expose-invalid-protocol", "expose-out-of-range",
           "expose-range-backwards")),
    Apart("a variable set again moves to the end",
          ("env-over-the-base", "env-order-and-replacement", "expand-what-the-base-has-set"),
          ("Env",)),
    Apart("it leaves `$@` as it is", ("expand-special",), ("Env",)),
    Apart("its escape character does not count inside quotes", ("escape-backtick",)),
    Apart("its names of stages are told apart by their letters' case",
          ("stage-name-in-other-letters", "target-in-other-letters")),
    Apart("it takes any name for a stage", ("stage-name-invalid",)),
    Apart("it finds a target by its number",
          ("target-by-number",)),
    Apart("it leaves out stages that nothing needs, as BuildKit does",
          ("stages-that-nothing-needs-are-not-built",)),
    Apart("it does not see that a variable names a stage", ("from-stage-chosen-by-argument",)),
    Apart("SHELL does not count for CMD and ENTRYPOINT",
          ("shell-for-run-and-commands", "shell-of-the-base"), ("Cmd", "Entrypoint")),
    Apart("WORKDIR gives a new directory to the user, as BuildKit does",
          ("workdir-behind-a-user", "workdir-of-the-base"), ("/own", "/own/*", "/base-dir/*")),
    Apart("WORKDIR does not look what is there", ("workdir-that-is-a-file",)),
    Apart("a bracket in a class of a wildcard is not understood", ("copy-escaped-wildcard",),
          ("/a",)),
    Apart("capabilities are kept, as in BuildKit", ("copy-extended-attributes",),
          ("/tool", "/dir/tool")),
    Apart("it loses setgid of directories", ("modes-are-kept",), ("/*/shared",)),
    Apart("it replaces a link that COPY is to write through",
          ("over-a-link-to-a-file", "over-a-dangling-link"),
          ("/to-file", "/real/file", "/dangling", "/nowhere", "/nowhere/a")),
    Apart("several sources need no slash behind the destination",
          ("several-to-a-file-name", "wildcard-of-several-to-a-file-name")),
    Apart("it reads the user's own group from the passwd file, as BuildKit does",
          ("chown-user-alone",)),
    Apart("--chown counts for directories made on the way, as in BuildKit",
          ("chown-applies-to-made-parents",), ("/made",)),
    Apart("ADD --chown of an archive counts for the directories that it does not contain",
          ("add-archive-with-chown",), ("/out", "/out/top/deep")),
    Apart("a check does not inherit from the one before, as in BuildKit",
          ("healthcheck-none", "healthcheck-last-one-counts", "healthcheck-over-the-base"),
          ("Healthcheck",)),
    Apart("it does not limit the interval of a check",
          ("healthcheck-interval-too-short", "healthcheck-zero-flags")),
    Apart("VOLUME makes its directories", ("volume-*",), ("/relative", "/own", "/data")),
    Apart("a hard link to a file of the base becomes a file of its own",
          ("hard-link-to-a-file-of-the-base",), ("/f", "/g")),
    Apart("its chroot may not make devices and has no network of its own",
          ("run-may-do-what-containers-may", "special-files-made-by-run",
           "files-in-mounted-places-are-not-kept", "run-network-of-the-command-line")),
    Apart("it accepts empty names", ("error-env-empty-name", "error-arg-no-name")),
)  # fmt: skip

# What a step in a chroot leaves in the image: no fault of the case, and never compared.
TRACES = (
    "/dev", "/etc", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/run",
    "/run/secrets", "/sys",
)  # fmt: skip
