"""What goes into the layer: every place once, with the links that lead to it.

Files stay where they are on the machine, at their real path, and every link on the way is kept:
with `/lib64 -> usr/lib64` both names work inside as they do outside. Only what was given a
destination moves; it is put last, so that it follows the links that are there by then.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Literal

from wherry.base.values import dataclass, field
from wherry.engine.images.pack.errors import NotPackableError, named
from wherry.engine.images.pack.host import Host, Step

_MOST_STEPS: Final = 1000
_OPEN: Final = 0o555
Kind = Literal["directory", "file", "symlink"]
Wanted = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the layer; owned by root.

    `destination` is absolute, `mode` has permission and setuid bits. A file has either `source`,
    where this process reads it, or its `content` at hand; a symlink has its `target`.
    """

    destination: str
    kind: Kind
    source: str = ""
    mode: int = 0o755
    target: str = ""
    content: bytes = b""


def everything(path: str) -> bool:
    """Want every file of a directory; what `Wanted` is by default."""
    return bool(path)


@dataclass(slots=True)
class Tree:
    """The places that are taken so far."""

    host: Host
    entries: dict[str, Entry] = field(default_factory=dict)
    _whole: set[str] = field(default_factory=set)

    def add(self, path: str) -> str:
        """Take a file or directory (itself, not what is in it) with the links that lead to it.

        Returns its real path; raises NoSuchProgramError or NotPackableError.
        """
        real = "/"
        with named(path):
            for step in self.host.steps(path):
                self._take(step)
                real = "/" if step.target else step.path
        return real

    def add_folder(self, path: str, wanted: Wanted = everything) -> list[str]:
        """Take all of a directory that is `wanted` by its path; return the real paths of files.

        Links that lead out of it take what they lead to; those that lead nowhere stay as they are.
        """
        files: list[str] = []
        top = self.add(path)
        self._whole.add(top)
        for step in self.walk(top, wanted):
            self._take(step)
            if step.target and (real := self.host.find(step.path)) is not None:
                self.add(step.path)
                files += self._follow(real, top, wanted)
            elif stat.S_ISREG(step.status.st_mode):
                files.append(step.path)
        return files

    def walk(self, real: str, wanted: Wanted = everything) -> Iterator[Step]:
        """Yield what is below a directory, not following links; parents first, sorted by name."""
        with named(real), os.scandir(self.host.at(real)) as found:
            names = sorted(entry.name for entry in found)
        for name in names:
            path = f"{real.rstrip('/')}/{name}"
            if not wanted(path):
                continue
            with named(path):
                status = os.lstat(self.host.at(path))
                link = stat.S_ISLNK(status.st_mode)
                target = os.readlink(self.host.at(path)) if link else ""
            yield Step(path, status, target)
            if stat.S_ISDIR(status.st_mode):
                yield from self.walk(path, wanted)

    def write(self, destination: str, content: bytes, mode: int = 0o644) -> None:
        """Put a file of our own, unless something is there already."""
        place = self._place(destination)
        self.entries.setdefault(place, Entry(place, "file", mode=mode, content=content))

    def make_directory(self, destination: str, mode: int = 0o755) -> None:
        """Have a directory there."""
        place = self._place(destination)
        self.entries.setdefault(place, Entry(place, "directory", mode=mode))

    def put(self, source: str, destination: str) -> None:
        """Put a file, or a directory and all that is in it, at another place.

        What was at the destination is replaced. Links into the directory itself go on doing so;
        those that lead out of it take what they lead to, at its own place.
        """
        with named(source):
            real = self.host.real(source)
            status = os.lstat(self.host.at(real))
        if not stat.S_ISDIR(status.st_mode):
            place = self._place(destination)
            if (old := self.entries.get(place)) is not None and old.kind == "directory":
                raise NotPackableError(f"{source}:{destination}: a directory is at {destination}")
            self.entries[place] = self._entry(Step(real, status), place)
            return
        self.make_directory(destination, stat.S_IMODE(status.st_mode))
        for step in self.walk(real):
            self._move(step, real, destination)

    def _follow(self, real: str, top: str, wanted: Wanted) -> list[str]:
        """Take what a link below `top` leads to; nothing more when that is around it, or taken."""
        if f"{real}/".startswith(f"{top}/"):
            return []
        if os.path.isfile(self.host.at(real)):
            self.add(real)
            return [real]
        if real in self._whole or f"{top}/".startswith(f"{real.rstrip('/')}/"):
            return []
        return self.add_folder(real, wanted)

    def _move(self, step: Step, top: str, destination: str) -> None:
        place = self._place(f"{destination}{step.path[len(top) :]}")
        old = self.entries.get(place)
        if old is not None and old.kind == "directory":
            if not stat.S_ISDIR(step.status.st_mode):
                raise NotPackableError(f"{step.path}: a directory is at {place} already")
            return
        entry = self._entry(step, place)
        if step.target and (goal := self.host.find(step.path)) is not None:
            if not f"{goal}/".startswith(f"{top}/"):
                self._follow(goal, top, everything)
                entry = Entry(place, "symlink", target=goal, mode=0o777)
            elif step.target.startswith("/"):
                inside = f"{destination}{goal[len(top) :]}"
                entry = Entry(place, "symlink", target=inside, mode=0o777)
        self.entries[place] = entry

    def _take(self, step: Step) -> None:
        if step.path not in self.entries:
            entry = self._entry(step, step.path)
            if entry.kind == "directory":
                # Root's home is closed to others here, and may be all that leads to the program.
                entry = replace(entry, mode=entry.mode | _OPEN)
            self.entries[step.path] = entry

    def _entry(self, step: Step, destination: str) -> Entry:
        mode = stat.S_IMODE(step.status.st_mode)
        source = self.host.at(step.path)
        if step.target:
            return Entry(destination, "symlink", mode=0o777, target=step.target)
        if stat.S_ISDIR(step.status.st_mode):
            return Entry(destination, "directory", mode=mode)
        if not stat.S_ISREG(step.status.st_mode):
            raise NotPackableError(f"{step.path} is a device, a pipe or a socket, and not a file")
        return Entry(destination, "file", source, mode)

    def _place(self, destination: str) -> str:
        """Return where a destination is once links among the places are followed; make parents."""
        parts = [p for p in posixpath.normpath(destination).split("/") if p]
        here = ""
        for _ in range(_MOST_STEPS):
            if not parts:
                return here or "/"
            here = f"{here}/{parts.pop(0)}"
            found = self.entries.get(here)
            if not parts:
                return here
            if found is None:
                self.entries[here] = Entry(here, "directory")
            elif found.kind == "symlink":
                goal = posixpath.normpath(posixpath.join(posixpath.dirname(here), found.target))
                parts = [p for p in goal.split("/") if p] + parts
                here = ""
            elif found.kind == "file":
                raise NotPackableError(f"{destination}: {here} is a file, not a directory")
        raise NotPackableError(f"{destination}: too many symbolic links, they form a circle")
