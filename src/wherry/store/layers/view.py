"""Looks through a stack of layers as overlayfs would show them, without mounting anything.

Links are resolved inside the stack, never on the host. For reading small files of an image, such as
/etc/passwd, and for fitting a layer onto those below it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Final

from wherry.linux import openat2
from wherry.store.layers.unpack import OPAQUE_XATTR

_NO_LINKS: Final = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS
_MOST_LINKS: Final = 40
_LARGEST_FILE: Final = 4 << 20


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
        shown: dict[bytes, bool] = {}
        for directory in self._resolve(path, follow=True):
            for entry in os.scandir(directory):
                hidden = is_whiteout(entry.stat(follow_symlinks=False))
                shown.setdefault(entry.name, not hidden)
        return sorted(name for name, visible in shown.items() if visible)

    def _resolve(self, path: bytes, *, follow: bool) -> list[bytes]:
        """Return the directories that merge at a path, or the one other thing that is there."""
        pending = [c for c in path.split(b"/") if c not in (b"", b".")]
        stack = [self._roots]
        names: list[bytes] = []
        links = 0
        while pending:
            name = pending.pop(0)
            if name == b"..":
                if names:
                    names.pop()
                    stack.pop()
                continue
            found = self._children(stack[-1], name)
            if not found:
                return []
            mode = os.lstat(found[0]).st_mode
            if stat.S_ISLNK(mode) and (pending or follow):
                links += 1
                if links > _MOST_LINKS:
                    return []
                target = os.readlink(found[0])
                if target.startswith(b"/"):
                    stack, names = [self._roots], []
                pending = [c for c in target.split(b"/") if c not in (b"", b".")] + pending
                continue
            if not stat.S_ISDIR(mode):
                return [] if pending else found[:1]
            stack.append(found)
            names.append(name)
        return list(stack[-1])

    @staticmethod
    def _children(directories: Sequence[bytes], name: bytes) -> list[bytes]:
        """Return the directories that merge under a name, or the one other thing that has it."""
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


def is_whiteout(told: os.stat_result) -> bool:
    """Tell whether overlayfs takes this for a removed name."""
    return stat.S_ISCHR(told.st_mode) and told.st_rdev == 0


def is_opaque(path: bytes | str) -> bool:
    """Tell whether a directory hides what is below it."""
    try:
        return os.getxattr(path, OPAQUE_XATTR, follow_symlinks=False) == b"y"
    except OSError:
        return False
