"""Looks through a stack of layers as overlayfs would show them, without mounting anything.

Links are resolved inside the stack, never on the host. For reading small files of an image, such as
/etc/passwd, for fitting a layer onto those below it, and for copying from and to images.

What is at a path is a list of places on the host: the directories that merge there, the topmost
first, or the one other thing that is there; nothing where there is nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.linux import openat2
from wherry.store.layers.unpack import OPAQUE_XATTR

_NO_LINKS: Final = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS
_MOST_LINKS: Final = 40
_LARGEST_FILE: Final = 4 << 20


class LinkLoopError(InvalidError):
    """Links lead from one to the other, too often for anybody to follow them."""

    def __init__(self, path: bytes) -> None:
        super().__init__(f"{os.fsdecode(path)}: too many levels of symbolic links")


class LayerView:
    """A read-only view of directories, the topmost first."""

    def __init__(self, directories: Sequence[str]) -> None:
        self._roots = [os.fsencode(directory) for directory in directories]

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file; None where there is none, or it is no file."""
        found = self.find(os.fsencode(path))
        if found is None or not stat.S_ISREG(os.lstat(found).st_mode):
            return None
        with open(self._open(found), "rb") as file:
            return file.read(_LARGEST_FILE)

    def _open(self, found: bytes) -> int:
        """Open what `find` found, without a link on the way: a container may be changing it."""
        top = next(root for root in self._roots if found.startswith(root + b"/"))
        folder = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            relative = found.removeprefix(top + b"/")
            return openat2.open_how(folder, relative, os.O_RDONLY | os.O_NONBLOCK, 0, _NO_LINKS)
        finally:
            os.close(folder)

    def find(self, path: bytes, *, follow: bool = True) -> bytes | None:
        """Return where on the host the topmost file, link or directory of a path is."""
        found = self._resolve(path, follow=follow)
        return found[0] if found else None

    def names(self, path: bytes) -> list[bytes]:
        """Return the names in a directory, in order, as all layers together give them."""
        return sorted(entry.name for entry in visible(self._resolve(path, follow=True)))

    def with_top(self, directory: str) -> LayerView:
        """Return the view with one more layer on top."""
        return LayerView([directory, *map(os.fsdecode, self._roots)])

    def merged(self, path: bytes) -> list[bytes]:
        """Return what is at a path none of whose components is a link; see the module."""
        found, pending = list(self._roots), _components(path)
        while found and pending:
            found = children(found, pending.pop())
            if found and pending and not is_directory(found[0]):
                return []
        return found

    def resolve(self, path: bytes) -> bytes:
        """Return where a path leads once every link is followed, as a path from the root.

        What is not there, or not yet, is part of it as it is. Raises LinkLoopError.
        """
        walk = _Walk(self._roots, path, follow=True)
        walk.run(missing=True)
        return b"/".join(walk.names)

    def _resolve(self, path: bytes, *, follow: bool) -> list[bytes]:
        """Return what is at a path after links; nothing as well where they go round in circles."""
        walk = _Walk(self._roots, path, follow=follow)
        try:
            return list(walk.stack[-1]) if walk.run(missing=False) else []
        except LinkLoopError:
            return []


class _Walk:
    """One way through the layers: `names` are where it is now, `stack` what is at each of them."""

    def __init__(self, roots: Sequence[bytes], path: bytes, *, follow: bool) -> None:
        self._roots = list(roots)
        self._path = path
        self._follow = follow
        self._pending = _components(path)
        self._links = 0
        self.stack = [self._roots]
        self.names: list[bytes] = []

    def run(self, *, missing: bool) -> bool:
        """Go to the end; False when something is not there, unless that may be `missing`."""
        while self._pending:
            name = self._pending.pop()
            if name == b"..":
                if self.names:
                    self.names.pop()
                    self.stack.pop()
                continue
            found = children(self.stack[-1], name)
            if found and self._follows(found[0]):
                continue
            if self._pending and (not found or not is_directory(found[0])):
                found = []
            if not found and not missing:
                return False
            self.stack.append(found)
            self.names.append(name)
        return True

    def _follows(self, place: bytes) -> bool:
        """Take the way of a link, if it is one that is to be followed."""
        if not (self._pending or self._follow) or not stat.S_ISLNK(os.lstat(place).st_mode):
            return False
        self._links += 1
        if self._links > _MOST_LINKS:
            raise LinkLoopError(self._path)
        target = os.readlink(place)
        if target.startswith(b"/"):
            self.stack, self.names = [self._roots], []
        self._pending += _components(target)
        return True


def _components(path: bytes) -> list[bytes]:
    """Return the components of a path, the last one first."""
    return [component for component in reversed(path.split(b"/")) if component not in (b"", b".")]


def children(directories: Sequence[bytes], name: bytes) -> list[bytes]:
    """Return what has a name in directories that merge; see the module."""
    found: list[bytes] = []
    for directory in directories:
        path = directory + b"/" + name
        try:
            told = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if is_whiteout(told):
            break
        if not stat.S_ISDIR(told.st_mode):
            if not found:
                found.append(path)
            break
        found.append(path)
        if is_opaque(path):
            break
    return found


def visible(directories: Sequence[bytes]) -> list[os.DirEntry[bytes]]:
    """Return the topmost entry of each name in directories that merge, in no order."""
    shown: dict[bytes, os.DirEntry[bytes]] = {}
    hidden: set[bytes] = set()
    for directory in directories:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name in shown or entry.name in hidden:
                    continue
                # Only a device can be a whiteout: nothing else has to be asked for more.
                if not _is_plain(entry) and is_whiteout(entry.stat(follow_symlinks=False)):
                    hidden.add(entry.name)
                else:
                    shown[entry.name] = entry
    return list(shown.values())


def _is_plain(entry: os.DirEntry[bytes]) -> bool:
    return (
        entry.is_file(follow_symlinks=False)
        or entry.is_dir(follow_symlinks=False)
        or entry.is_symlink()
    )


def is_directory(place: bytes) -> bool:
    """Tell whether a place on the host is a directory, and not a link to one."""
    return stat.S_ISDIR(os.lstat(place).st_mode)


def is_whiteout(told: os.stat_result) -> bool:
    """Tell whether overlayfs takes this for a removed name."""
    return stat.S_ISCHR(told.st_mode) and told.st_rdev == 0


def is_opaque(path: bytes | str) -> bool:
    """Tell whether a directory hides what is below it."""
    try:
        return os.getxattr(path, OPAQUE_XATTR, follow_symlinks=False) == b"y"
    except OSError:
        return False
