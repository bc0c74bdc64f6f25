"""What is mounted where, as /proc/self/mountinfo says."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.values import dataclass
from wherry.doctor.finding import command
from wherry.doctor.machine import Machine


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: `root` is what of the file system is shown at `target`.

    `options` are the mount's own; `whole` those of its file system, wherever it is mounted.
    """

    device: str
    root: str
    target: str
    options: frozenset[str]
    kind: str
    whole: frozenset[str]

    def made_writable(self) -> str:
        """Return the command that makes it writable: the file system, or this mount alone."""
        options = "remount,rw" if "ro" in self.whole else "remount,bind,rw"
        return command("mount", "-o", options, self.target)


def mounts(machine: Machine) -> list[Mount]:
    """Return every mount, in the order in which they were made."""
    return parse(machine.text("/proc/self/mountinfo"))


def parse(text: str) -> list[Mount]:
    """Read the content of a mountinfo file (pure)."""
    found = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) >= 6:
            found.append(
                Mount(
                    fields[2],
                    unescape(fields[3]),
                    unescape(fields[4]),
                    frozenset(fields[5].split(",")),
                    after.split(" ")[0],
                    frozenset(after.rpartition(" ")[2].split(",")),
                )
            )
    return found


def unescape(word: str) -> str:
    """Return a path whose blanks the kernel wrote as octal numbers (pure)."""
    head, *rest = word.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def mount_of(known: Sequence[Mount], path: str) -> Mount | None:
    """Return the mount that a path is on: the last of those at the deepest place (pure)."""
    best = None
    for mount in known:
        below = path == mount.target or path.startswith(mount.target.rstrip("/") + "/")
        if below and (best is None or len(mount.target) >= len(best.target)):
            best = mount
    return best
