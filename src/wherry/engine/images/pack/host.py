"""Paths as programs of a machine follow them: link by link, below a root.

`root` is empty for this machine itself; with another one (tests, an unpacked system) every path is
a path inside it, and links cannot lead out.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from typing import Final

from wherry.base.values import dataclass
from wherry.engine.images.pack.errors import NotPackableError, named

_MOST_LINKS: Final = 40  # as the kernel's own limit
STANDARD_PATH: Final = (
    "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One component on the way along a path; `target` is what a link says, else empty."""

    path: str
    status: os.stat_result
    target: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine to take programs from. Paths are absolute, and as seen on it."""

    root: str = ""
    search: Sequence[str] = STANDARD_PATH

    def at(self, path: str) -> str:
        """Return where a path is for this process; for real paths, whose links are resolved."""
        return f"{self.root}{path}"

    def steps(self, path: str) -> Iterator[Step]:
        """Yield each component from the top, following links; the last one is the file itself.

        Raises FileNotFoundError or another OSError where the way ends, NotPackableError for a
        circle of links.
        """
        left = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        here, links = "", 0
        while left:
            name = left.pop()
            if name == "..":
                here = posixpath.dirname(here).rstrip("/")
                continue
            current = f"{here}/{name}"
            status = os.lstat(self.at(current))
            if not stat.S_ISLNK(status.st_mode):
                yield Step(current, status)
                here = current
                continue
            target = os.readlink(self.at(current))
            yield Step(current, status, target)
            links += 1
            if links > _MOST_LINKS:
                raise NotPackableError(f"{path}: too many symbolic links, they form a circle")
            left += [part for part in reversed(target.split("/")) if part not in ("", ".")]
            if target.startswith("/"):
                here = ""

    def real(self, path: str) -> str:
        """Return the path without links; raises as `steps` does."""
        last = "/"
        for step in self.steps(path):
            last = "/" if step.target else step.path
        return last

    def find(self, path: str) -> str | None:
        """Return the path without links; None where there is nothing."""
        try:
            return self.real(path)
        except (OSError, NotPackableError):
            return None

    def is_directory(self, path: str) -> bool:
        """Tell whether there is a directory."""
        real = self.find(path)
        return real is not None and os.path.isdir(self.at(real))

    def read(self, path: str, limit: int = -1) -> bytes:
        """Return the first bytes of a file; raises typed errors that name it."""
        with named(path), open(self.at(self.real(path)), "rb") as file:
            return file.read(limit)

    def text(self, path: str) -> str:
        """Return a small text file of the system; empty when there is none."""
        if self.find(path) is None:
            return ""
        return self.read(path).decode(errors="surrogateescape")

    def program(self, name: str) -> str | None:
        """Find a bare name on the search path, as a shell does."""
        for folder in self.search:
            real = self.find(f"{folder}/{name}")
            if real is not None and is_program(os.lstat(self.at(real))):
                return f"{folder}/{name}"
        return None


def is_program(status: os.stat_result) -> bool:
    """Tell whether it is a file that somebody may execute."""
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)
