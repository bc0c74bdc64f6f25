"""Mount points that a step's image does not have, and getting rid of them afterwards.

To mount something the runtime makes what is missing: an empty directory such as /proc, an empty
file such as /etc/hosts, and the directories on the way. That writes to the step's upper directory,
and has no business in its layer. Three steps, each of them blocking:

    plan    before the mounts: which paths will be made, and for which directories overlayfs will
            copy up what is there
    note    after the mounts, before the process: what all these are like
    clean   after the process: what is still like that, and empty, goes

So what a process has put into such a place stays, with the directories on the way to it, and so
does a place that it has changed itself. Directories that stay have the times that the process gave
them, or those from below if it gave none. A process may have left links where directories were:
nothing is followed on the way.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self

from wherry.base.values import dataclass, field
from wherry.linux import openat2
from wherry.store.layers.view import LayerView

_MOST_LINKS: Final = 40
_INSIDE: Final = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_PRIVATE: Final = "trusted.overlay."


@dataclass(frozen=True, slots=True)
class Target:
    """A path that something is going to be mounted at: on a directory, or on a file."""

    path: str
    directory: bool


@dataclass(slots=True)
class Plan:
    """Paths below the root, without a slash in front.

    `made` will be made: True for directories. `touched` are directories from below, with their
    times in nanoseconds.
    """

    made: dict[bytes, bool] = field(default_factory=dict)
    touched: dict[bytes, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[bytes]:
        """Yield all paths, those that contain others last."""
        return iter(sorted([*self.made, *self.touched], key=_depth, reverse=True))


@dataclass(frozen=True, slots=True)
class _Told:
    """What something in the upper directory is like; `same_as` until somebody has changed it.

    Of a directory only its attributes: its times change with what is made in it.
    """

    inode: int
    mode: int
    owner: tuple[int, int]
    modified_ns: int
    changed_ns: int
    attributes: Sequence[tuple[str, bytes]] = ()

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    def same_as(self, other: _Told) -> bool:
        """Tell whether nothing was changed, down to the attributes of a file's inode."""
        mine = (self.inode, self.mode, self.owner, self.attributes)
        if mine != (other.inode, other.mode, other.owner, other.attributes):
            return False
        return self.is_directory or self.changed_ns == other.changed_ns


Notes = Mapping[bytes, _Told]


def targets(mounts: Iterable[Mapping[str, object]]) -> list[Target]:
    """Return where the entries of a mount table are mounted, in their order, but for the root."""
    found = []
    for mount in mounts:
        destination, source = str(mount["destination"]), str(mount["source"])
        if destination != "/":
            directory = mount["type"] != "bind" or os.path.isdir(source)
            found.append(Target(destination, directory))
    return found


def plan(wanted: Iterable[Target], view: LayerView) -> Plan:
    """Find what mounting will make in a root file system; what lies in another mount is left out.

    `view` shows the root as it is before.
    """
    planner = _Planner(view)
    for target in wanted:
        planner.add(target)
    return planner.plan


class _Planner:
    """Goes the way that `openat2.make_directories` and `make_file` will go."""

    def __init__(self, view: LayerView) -> None:
        self.plan = Plan()
        self._view = view
        self._mounted: set[bytes] = set()

    def add(self, target: Target) -> None:
        """Take note of one target; those that cannot be reached will fail by themselves."""
        missing: list[bytes] = []
        place = self._resolve(target.path, missing)
        if place is None:
            return
        self._mounted.add(place)
        for path in missing:
            self.plan.made[path] = target.directory or path != place
        for path in missing:
            self._touch(path)

    def _resolve(self, path: str, missing: list[bytes]) -> bytes | None:
        """Return the path without links; None where the way ends, or leads into a mount."""
        pending = _split(os.fsencode(path))
        place = b""
        links = 0
        while pending:
            name = pending.pop(0)
            if name == b"..":
                place = _parent(place)
                continue
            here = _join(place, name)
            if here in self._mounted:
                return None
            found = None if here in self.plan.made else self._view.find(here, follow=False)
            if found is None:
                if here not in self.plan.made:
                    missing.append(here)
                place = here
                continue
            mode = os.lstat(found).st_mode
            if stat.S_ISLNK(mode):
                links += 1
                if links > _MOST_LINKS:
                    return None
                leads_to = os.readlink(found)
                place = b"" if leads_to.startswith(b"/") else place
                pending = _split(leads_to) + pending
                continue
            if pending and not stat.S_ISDIR(mode):
                return None
            place = here
        return place

    def _touch(self, path: bytes) -> None:
        """Take note of the directories from below on the way to a path."""
        above = _parent(path)
        while above and above not in self.plan.touched:
            found = None if above in self.plan.made else self._view.find(above, follow=False)
            if found is not None:
                self.plan.touched[above] = os.lstat(found).st_mtime_ns
            above = _parent(above)


def note(planned: Plan, upper: str) -> Notes:
    """Look at what mounting has made, before anybody else could change it."""
    with _Upper(upper) as opened:
        return opened.look_at(planned)


def clean(planned: Plan, notes: Notes, upper: str) -> None:
    """Remove what mounting has made, where it is as it was. Raises OSError."""
    with _Upper(upper) as opened:
        # Looked at before anything is removed: removing changes the directory that it was in.
        for path, told in opened.look_at(planned).items():
            noted = notes.get(path)
            if noted is None:
                continue
            unchanged = told.same_as(noted)
            if told.is_directory:
                if not unchanged or not opened.remove_empty(path):
                    below = planned.touched.get(path, told.modified_ns)
                    given = told.modified_ns != noted.modified_ns
                    opened.set_time(path, told.modified_ns if given else below)
            elif unchanged:
                opened.remove_file(path)


class _Upper:
    """The upper directory, looked into without following a link."""

    def __init__(self, path: str) -> None:
        self._folders = {b"": os.open(path, _FOLDER | os.O_CLOEXEC)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for folder in self._folders.values():
            os.close(folder)

    def look_at(self, paths: Iterable[bytes]) -> dict[bytes, _Told]:
        """Tell what the files and directories among paths are like, in their order."""
        found = {}
        for path in paths:
            with contextlib.suppress(OSError):
                told = os.lstat(_name(path), dir_fd=self._folder(_parent(path)))
                if stat.S_ISDIR(told.st_mode):
                    found[path] = _told(told, _attributes(self._folder(path)))
                elif stat.S_ISREG(told.st_mode):
                    found[path] = _told(told)
        return found

    def remove_file(self, path: bytes) -> None:
        """Remove a file."""
        os.unlink(_name(path), dir_fd=self._folder(_parent(path)))

    def remove_empty(self, path: bytes) -> bool:
        """Remove a directory, if it is empty."""
        if os.listdir(self._folder(path)):
            return False
        os.rmdir(_name(path), dir_fd=self._folder(_parent(path)))
        return True

    def set_time(self, path: bytes, modified_ns: int) -> None:
        """Set a directory's time."""
        folder = self._folder(path)
        os.utime(folder, ns=(os.fstat(folder).st_atime_ns, modified_ns))

    def _folder(self, path: bytes) -> int:
        if path not in self._folders:
            opened = openat2.open_how(self._folders[b""], path, _FOLDER, 0, _INSIDE)
            self._folders[path] = opened
        return self._folders[path]


def _told(told: os.stat_result, attributes: Sequence[tuple[str, bytes]] = ()) -> _Told:
    owner = (told.st_uid, told.st_gid)
    times = (told.st_mtime_ns, told.st_ctime_ns)
    return _Told(told.st_ino, told.st_mode, owner, *times, attributes)


def _attributes(folder: int) -> list[tuple[str, bytes]]:
    names = [name for name in os.listxattr(folder) if not name.startswith(_PRIVATE)]
    return [(name, os.getxattr(folder, name)) for name in sorted(names)]


def _split(path: bytes) -> list[bytes]:
    return [name for name in path.split(b"/") if name not in (b"", b".")]


def _join(folder: bytes, name: bytes) -> bytes:
    return b"/".join(filter(None, (folder, name)))


def _parent(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _depth(path: bytes) -> int:
    return path.count(b"/")
