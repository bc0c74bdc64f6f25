"""Copying a directory of an image into a volume with all that belongs to it.

Owners, modes, times, extended attributes, links of both kinds, device nodes and holes survive. The
tree is immutable while it is copied, and links in it are never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Protocol

_CHUNK = 1 << 24
_OVERLAY = "trusted.overlay."


class Tree(Protocol):
    """A stack of layers seen as one (`wherry.store.layers.view.LayerView`)."""

    def find(self, path: bytes, *, follow: bool = True) -> bytes | None:
        """Return where on the host the topmost file, link or directory of a path is."""

    def names(self, path: bytes) -> list[bytes]:
        """Return the names in a directory."""


def copy_tree(tree: Tree, path: bytes, target: bytes) -> None:
    """Copy the content and the attributes of the directory `path` into the directory `target`."""
    linked: dict[tuple[int, int], bytes] = {}
    pending = [(path, target)]
    finished = []
    while pending:
        folder, place = pending.pop()
        source = tree.find(folder)
        assert source is not None
        finished.append((source, place))
        for name in tree.names(folder):
            found = tree.find(folder + b"/" + name, follow=False)
            assert found is not None
            if stat.S_ISDIR(os.lstat(found).st_mode):
                os.mkdir(place + b"/" + name, 0o700)
                pending.append((folder + b"/" + name, place + b"/" + name))
            else:
                _copy_entry(found, place + b"/" + name, linked)
    # Directories last, the deepest first: to fill one changes its times.
    for source, place in reversed(finished):
        copy_attributes(source, place)


def _copy_entry(source: bytes, target: bytes, linked: dict[tuple[int, int], bytes]) -> None:
    told = os.lstat(source)
    key = (told.st_dev, told.st_ino)
    if key in linked:
        os.link(linked[key], target, follow_symlinks=False)
        return
    if told.st_nlink > 1:
        linked[key] = target
    if stat.S_ISREG(told.st_mode):
        _copy_file(source, target, told.st_size)
    elif stat.S_ISLNK(told.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISSOCK(told.st_mode):
        os.mknod(target, stat.S_IFSOCK | 0o600)
    else:
        os.mknod(target, told.st_mode, told.st_rdev)
    copy_attributes(source, target)


def _copy_file(source: bytes, target: bytes, size: int) -> None:
    with open(source, "rb") as reading, open(target, "xb") as writing:
        os.ftruncate(writing.fileno(), size)
        at = 0
        while at < size:
            try:
                start = os.lseek(reading.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole is left
                    return
                raise
            at = os.lseek(reading.fileno(), start, os.SEEK_HOLE)
            _copy_range(reading.fileno(), writing.fileno(), start, at)


def _copy_range(reading: int, writing: int, start: int, end: int) -> None:
    os.lseek(reading, start, os.SEEK_SET)
    os.lseek(writing, start, os.SEEK_SET)
    while start < end:
        copied = os.sendfile(writing, reading, None, min(_CHUNK, end - start))
        if not copied:
            return
        start += copied


def copy_attributes(source: bytes, target: bytes) -> None:
    """Copy owner, mode, extended attributes and times of one entry."""
    told = os.lstat(source)
    os.chown(target, told.st_uid, told.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(told.st_mode):
        os.chmod(target, stat.S_IMODE(told.st_mode))
    for name in os.listxattr(source, follow_symlinks=False):
        if name.startswith(_OVERLAY):
            continue
        value = os.getxattr(source, name, follow_symlinks=False)
        # A file system without this kind of attribute still takes the content.
        with contextlib.suppress(OSError):
            os.setxattr(target, name, value, follow_symlinks=False)
    os.utime(target, ns=(told.st_atime_ns, told.st_mtime_ns), follow_symlinks=False)
