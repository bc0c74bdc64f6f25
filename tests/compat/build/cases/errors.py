"""What is refused, and in which words."""

from __future__ import annotations

from compat.build.cases.model import BY_NOBODY, Case, File


def _refused(name: str, line: str, fails: str, there: str = "") -> Case:
    """Return a case whose second line is wrong."""
    return Case(
        name=f"error-{name}", dockerfile=f"FROM busybox\n{line}\n", fails=fails, fails_there=there
    )


LANGUAGE = (
    _refused("unknown-instruction", "RUNN true", "unknown instruction: RUNN"),
    _refused("no-arguments", "COPY", "COPY requires at least two arguments"),
    _refused("one-argument", "COPY a", "COPY requires at least two arguments, but only one was"),
    _refused("add-one-argument", "ADD a", "ADD requires at least two arguments, but only one was"),
    _refused("env-without-value", "ENV A", "ENV must have two arguments"),
    _refused("label-without-value", "LABEL a", "LABEL must have two arguments"),
    _refused("env-mixed-forms", "ENV A=1 B", 'can\'t find = in "B". Must be of the form'),
    _refused("env-empty-name", "ENV =1", "ENV names can not be blank"),
    _refused("env-quote-not-closed", 'ENV A="1', "unexpected end of statement while looking for"),
    _refused("workdir-two", "WORKDIR", "WORKDIR requires exactly one argument"),
    _refused("user-none", "USER", "USER requires exactly one argument"),
    _refused("stopsignal-two", "STOPSIGNAL 1 2", "nvalid signal: 1 2"),
    _refused("json-of-numbers", "CMD [1]", "arrays must be comprised of strings only"),
    _refused("expose-none", "EXPOSE", "EXPOSE requires at least one argument"),
    _refused("volume-none", "VOLUME", "VOLUME requires at least one argument"),
    _refused("shell-no-json", "SHELL /bin/sh -c", "SHELL requires the arguments to be in JSON"),
    _refused("shell-empty", "SHELL []", "SHELL requires at least one argument"),
    _refused("maintainer-none", "MAINTAINER", "MAINTAINER requires exactly one argument"),
    _refused("healthcheck-none", "HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
    _refused("onbuild-none", "ONBUILD", "ONBUILD requires at least one argument"),
    _refused("from-none", "FROM", "FROM requires either one or three arguments"),
    _refused("from-two", "FROM busybox x", "FROM requires either one or three arguments"),
    _refused("copy-unknown-flag", "COPY --form=x a /a", "nknown flag: "),
    _refused("run-unknown-flag", "RUN --user=x true", "nknown flag: "),
    _refused("flag-twice", "COPY --chown=1 --chown=2 a /a", "uplicate flag specified: "),
    _refused("flag-without-value", "COPY --chown a /a", "issing a value on flag: "),
    _refused("bad-variable", "ENV A=${", "syntax error"),
    _refused("bad-modifier", "ENV A=${B:x}", "nsupported modifier ("),
    _refused("arg-no-name", "ARG =x", "ARG names can not be blank"),
    _refused("arg-none", "ARG", "ARG requires at least one argument"),
)

FILES = (
    Case(
        name="error-empty-file",
        dockerfile="",
        fails="file with no instructions",
        fails_there="cannot be empty",
    ),
    Case(
        name="error-only-comments",
        dockerfile="# nothing\n\n",
        fails="file with no instructions",
    ),
    Case(
        name="error-no-from",
        dockerfile="RUN true\n",
        fails="no build stage in current context",
    ),
    Case(
        name="error-only-arg",
        dockerfile="ARG A=1\n",
        fails="dockerfile contains no stages to build",
        fails_there="EOF",
    ),
    Case(
        name="error-from-nothing",
        dockerfile="ARG A\nFROM $A\n",
        fails="base name ($A) should not be blank",
    ),
    Case(
        name="error-from-invalid",
        dockerfile="FROM Bad_Name:x\n",
        fails="invalid reference format: repository name",
    ),
    Case(
        name="error-from-scratch-and-run",
        dockerfile="FROM scratch\nRUN true\n",
        fails="/bin/sh",
    ),
    Case(
        name="error-nothing-in-scratch",
        dockerfile="FROM scratch\n",
        fails="",
        judges=BY_NOBODY,
    ),
    Case(
        name="error-copy-not-found",
        dockerfile="FROM busybox\nCOPY absent /x\n",
        fails="absent",
        fails_there="file not found in build context or excluded by .dockerignore: "
        "stat absent: file does not exist",
    ),
    Case(
        name="error-copy-from-not-found",
        dockerfile="FROM busybox AS a\nFROM busybox\nCOPY --from=a /absent /x\n",
        fails="/absent",
    ),
    Case(
        name="error-add-not-found",
        dockerfile="FROM busybox\nADD absent /x\n",
        fails="absent",
    ),
    Case(
        name="error-wildcard-of-nothing",
        dockerfile="FROM busybox\nCOPY *.none /x/\n",
        fails="no source files were specified",
    ),
    Case(
        name="error-wildcard-malformed",
        dockerfile="FROM busybox\nCOPY [a /x/\n",
        context={"a": "A"},
        fails="syntax error in pattern",
        fails_there="no source files were specified",
    ),
    Case(
        name="error-copy-out-of-context",
        dockerfile="FROM busybox\nCOPY ../outside /x\n",
        fails="outside",
        fails_there="forbidden path outside the build context: ../outside ()",
    ),
    Case(
        name="error-dockerfile-not-found",
        dockerfile="FROM busybox\n",
        flags=("-f", "absent.Dockerfile"),
        fails="absent.Dockerfile",
    ),
)

PROCESSES = (
    Case(
        name="error-run-fails",
        dockerfile="FROM busybox\nRUN exit 42\n",
        fails="The command '/bin/sh -c exit 42' returned a non-zero code: 42",
    ),
    Case(
        name="error-run-exec-fails",
        dockerfile='FROM busybox\nRUN ["sh", "-c", "exit 3"]\n',
        fails="The command 'sh -c exit 3' returned a non-zero code: 3",
    ),
    Case(
        name="error-run-killed",
        dockerfile="FROM busybox\nRUN sh -c 'kill -9 $$'; exit $?\n",
        fails="returned a non-zero code: 137",
    ),
    Case(
        name="error-run-not-found-in-shell",
        dockerfile="FROM busybox\nRUN no-such-program\n",
        fails="returned a non-zero code: 127",
    ),
    Case(
        name="error-run-not-found",
        dockerfile='FROM busybox\nRUN ["no-such-program"]\n',
        fails='exec: "no-such-program": executable file not found in $PATH',
    ),
    Case(
        name="error-run-not-executable",
        dockerfile='FROM busybox\nCOPY a /a\nRUN ["/a"]\n',
        context={"a": File("text", 0o644)},
        fails="permission denied",
    ),
    Case(
        name="error-run-with-a-shell-that-is-not-there",
        dockerfile='FROM busybox\nSHELL ["/no/shell"]\nRUN x\n',
        fails="/no/shell",
    ),
    Case(
        name="error-in-the-middle-leaves-no-image",
        dockerfile="FROM busybox\nRUN true\nRUN false\nENV A=1\n",
        fails="returned a non-zero code: 1",
    ),
)

CASES = (*LANGUAGE, *FILES, *PROCESSES)
