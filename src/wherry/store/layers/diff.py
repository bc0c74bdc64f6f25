"""Makes a layer's archive of a writable directory, and lists what changed in it.

The same directory gives the same bytes, and so does the directory that unpacking them makes: that
is what lets a layer be kept without its archive. Entries are in the order of their names, owners
are numbers, whiteouts have no time. Sockets are left out, as everywhere.
"""

from __future__ import annotations

import os
import stat
from enum import IntEnum
from typing import Any, Final

from wherry.base.values import dataclass
from wherry.store.layers import headers
from wherry.store.layers.compression import Writable
from wherry.store.layers.files import place_of, portable_xattrs
from wherry.store.layers.headers import (
    BLOCK_DEVICE,
    CHARACTER,
    DIRECTORY,
    FIFO,
    HARD_LINK,
    REGULAR,
    SYMLINK,
    Header,
    encode,
    padding,
)
from wherry.store.layers.unpack import OPAQUE_MARKER, WHITEOUT_PREFIX
from wherry.store.layers.view import LayerView, is_opaque, is_whiteout
from wherry.store.layers.walk import ChangedError, Found, open_file, walk

_COPY: Final = 1 << 20
_GATHERED: Final = 256 << 10
_KINDS: Final = {
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: BLOCK_DEVICE,
    stat.S_IFIFO: FIFO,
}


class ChangeKind(IntEnum):
    """Docker's numbers for what happened to a path."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One path of a container that is not as in its image."""

    kind: ChangeKind
    path: str


def write_archive(directory: str, sink: Writable) -> None:
    """Write the archive of everything below `directory`, with whiteouts.

    Raises ChangedError when somebody writes to it meanwhile in a way that shows.
    """
    writer = _Writer(sink)
    for found in walk(directory):
        if not found.leaving:
            writer.add(found)
    writer.finish()


class _Writer:
    """Gathers small pieces: a call for each header would cost more than what is in it."""

    def __init__(self, sink: Writable) -> None:
        self._sink = sink
        self._inodes: dict[tuple[int, int], bytes] = {}
        self._parts: list[bytes] = []
        self._gathered = 0

    def finish(self) -> None:
        self._put(headers.END)
        self._flush()

    def _put(self, part: bytes) -> None:
        self._parts.append(part)
        self._gathered += len(part)
        if self._gathered >= _GATHERED:
            self._flush()

    def _flush(self) -> None:
        if self._parts:
            self._sink.write(b"".join(self._parts))
            self._parts, self._gathered = [], 0

    def add(self, found: Found) -> None:
        mode = found.told.st_mode
        if is_whiteout(found.told):
            # When a name was removed is nobody's business: every time gives the same bytes.
            folder, slash, name = found.path.rpartition(b"/")
            self._put(encode(Header(folder + slash + WHITEOUT_PREFIX + name)))
        elif stat.S_ISREG(mode):
            self._file(found)
        elif stat.S_ISDIR(mode):
            self._directory(found)
        elif not stat.S_ISSOCK(mode):
            self._node(found)

    def _file(self, found: Found) -> None:
        told = found.told
        inode = (told.st_dev, told.st_ino)
        if told.st_nlink > 1:
            first = self._inodes.setdefault(inode, found.path)
            if first != found.path:
                self._put(encode(_header(found.path, HARD_LINK, told, target=first)))
                return
        descriptor = open_file(found)
        try:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode):
                raise ChangedError(found.path)
            xattrs, size = portable_xattrs(descriptor), told.st_size
            self._put(encode(_header(found.path, REGULAR, told, size=size, xattrs=xattrs)))
            self._content(found, descriptor, size)
        finally:
            os.close(descriptor)

    def _content(self, found: Found, descriptor: int, size: int) -> None:
        left = size
        while left:
            chunk = os.read(descriptor, min(left, _COPY))
            if not chunk:
                raise ChangedError(found.path)
            left -= len(chunk)
            self._put(chunk)
        self._put(padding(size))

    def _directory(self, found: Found) -> None:
        place = place_of(found)
        xattrs = portable_xattrs(place)
        self._put(encode(_header(found.path + b"/", DIRECTORY, found.told, xattrs=xattrs)))
        if is_opaque(place):
            self._put(encode(Header(found.path + b"/" + OPAQUE_MARKER)))

    def _node(self, found: Found) -> None:
        """Write a link, a device or a pipe. Extended attributes of such are not for archives."""
        told, target, device = found.told, b"", 0
        kind = _KINDS[stat.S_IFMT(told.st_mode)]
        if kind == SYMLINK:
            target = os.readlink(found.name, dir_fd=found.folder)
        elif kind != FIFO:
            device = told.st_rdev
        numbers = {"major": os.major(device), "minor": os.minor(device)}
        self._put(encode(_header(found.path, kind, told, target=target, **numbers)))


def _header(name: bytes, kind: bytes, told: os.stat_result, **more: Any) -> Header:
    mode = stat.S_IMODE(told.st_mode)
    return Header(name, kind, mode, told.st_uid, told.st_gid, mtime_ns=told.st_mtime_ns, **more)


def changes(directory: str, below: LayerView) -> list[Change]:
    """List what a writable directory adds to, changes in and removes from the layers below."""
    listed = []
    for found in walk(directory):
        if found.leaving:
            continue
        lower = below.find(found.path, follow=False)
        path = f"/{os.fsdecode(found.path)}"
        if not is_whiteout(found.told):
            kind = ChangeKind.ADDED if lower is None else ChangeKind.MODIFIED
            listed.append(Change(kind, path))
        elif lower is not None:
            listed.append(Change(ChangeKind.DELETED, path))
    return listed
