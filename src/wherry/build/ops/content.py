"""The bytes of a file, from a tree into a new file: by the kernel where it can, holes left out."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

from wherry.build.context.tree import Extent, Node, Tree
from wherry.store.layers.files import write_all

_CHUNK: Final = 1 << 20
_HOLE: Final = 64 << 10
_ZEROS: Final = bytes(_HOLE)
# Below this one look at a file costs more than the hole that might be found.
_SMALL: Final = 64 << 10
_CANNOT: Final = (
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.ETXTBSY,
    errno.EPERM,
)
Extents = Callable[[Node], Sequence[Extent] | None]


class Contents:
    """Writes the content of files of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._extents: Extents | None = getattr(tree, "extents", None)

    def write(self, node: Node, target: int) -> None:
        """Write all of a file into an empty one."""
        extents = self._extents(node) if self._extents is not None else None
        if extents is not None:
            self._write_extents(node, extents, target)
            return
        with self._tree.open(node) as file:
            source = _descriptor(file)
            if source is None:
                _write_stream(file, target)
            else:
                _write_file(source, target)

    @staticmethod
    def _write_extents(node: Node, extents: Sequence[Extent], target: int) -> None:
        if len(extents) != 1 or extents[0].size != node.size:
            os.ftruncate(target, node.size)
        for source, offset, at, size in extents:
            if size:
                _transfer(source.fileno(), offset, target, at, size)


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except OSError:
        return None  # it is put together in memory


def _write_file(source: int, target: int) -> None:
    told = os.fstat(source)
    if told.st_size <= _SMALL or told.st_blocks * 512 >= told.st_size:
        _transfer(source, 0, target, 0, told.st_size)
        return
    os.ftruncate(target, told.st_size)
    at = 0
    while at < told.st_size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # there is nothing but a hole
            raise
        end = os.lseek(source, at, os.SEEK_HOLE)
        _transfer(source, at, target, at, end - at)
        at = end


def _transfer(source: int, offset: int, target: int, at: int, size: int) -> None:
    """Copy a piece from one file to another; a source that became shorter is its own fault."""
    while size:
        try:
            count = os.copy_file_range(source, target, size, offset, at)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            _send(source, offset, target, at, size)
            return
        if not count:
            return
        offset, at, size = offset + count, at + count, size - count


def _send(source: int, offset: int, target: int, at: int, size: int) -> None:
    """Copy a piece between file systems, or on one that cannot do it by itself."""
    os.lseek(target, at, os.SEEK_SET)
    while size:
        chunk = os.pread(source, min(size, _CHUNK), offset)
        if not chunk:
            return
        write_all(target, chunk)
        offset, size = offset + len(chunk), size - len(chunk)


def _write_stream(file: BinaryIO, target: int) -> None:
    """Write what is read, but for long runs of zeros."""
    at = 0
    while chunk := file.read(_HOLE):
        if chunk != _ZEROS:
            os.lseek(target, at, os.SEEK_SET)
            write_all(target, chunk)
        at += len(chunk)
    os.ftruncate(target, at)
