"""What is mounted where, as /proc/self/mountinfo says (proc(5))."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.values import dataclass

PATH = "/proc/self/mountinfo"


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

    def is_at_or_below(self, directory: str) -> bool:
        """Tell whether it is mounted on a directory, or on something in it."""
        return self.target == directory or self.target.startswith(f"{directory}/")


def mounts() -> list[Mount]:
    """Return every mount, in the order in which they were made; raises OSError."""
    with open(PATH, encoding="utf-8", errors="surrogateescape") as file:
        return parse(file.read())


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
