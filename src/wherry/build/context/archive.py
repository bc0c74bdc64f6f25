"""A build context that came as a tar: kept as it came, never unpacked.

The archive is written, decompressed, to a file without a name; while it streams in, its names are
indexed and each file's digest is computed. Files are read from that file by offset, by any number
of threads. When the receiving fails, or the tree is closed and nobody reads from it any more, the
kernel takes the file back; a crash leaves nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, cast

from wherry.base.errors import InternalError
from wherry.build.context.filtered import FilteredTree
from wherry.build.context.hostfiles import Held, digest_of
from wherry.build.context.index import Content, Index
from wherry.build.context.plain import is_archive, plain
from wherry.build.context.tree import Extent, Node
from wherry.store.errors import CorruptContentError, full_disk_named
from wherry.store.layers import tar
from wherry.store.layers.compression import Readable
from wherry.store.layers.files import write_all

__all__ = ["ArchiveTree", "FilteredTree", "is_archive", "spool"]

_READ: Final = 1 << 20
# A file that is nothing but holes costs its sender nothing, but whoever hashes it.
_LARGEST_SPARSE: Final = 1 << 40
_ZEROS: Final = bytes(1 << 20)


def spool(
    source: Readable, directory: str, progress: Callable[[int], None] | None = None
) -> ArchiveTree:
    """Receive an archive, to its end; `progress` gets the number of plain bytes so far.

    Raises CorruptContentError or HostileArchiveError for what cannot be unpacked, DiskFullError.
    """
    with full_disk_named(directory):
        file = _nameless(directory)
        incoming = _Incoming(plain(source), file, progress)
        index = Index()
        reader = tar.TarReader(incoming)
        for entry in reader:
            index.add(entry, _content(entry, reader, incoming) if entry.is_file else None)
        incoming.drain()
    return ArchiveTree(file, index)


def _nameless(directory: str) -> Held:
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        return Held(os.dup(file.fileno()))


class _Incoming:
    """Gives the bytes of the archive in the pieces that are asked for, and writes all of them."""

    def __init__(
        self, source: Readable, file: Held, progress: Callable[[int], None] | None
    ) -> None:
        self._source = source
        self._file = file
        self._progress = progress
        self._chunk = b""
        self._at = 0
        self._received = 0

    @property
    def position(self) -> int:
        """How many bytes have been read, which is where the next one is in the file."""
        return self._received - len(self._chunk) + self._at

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, as many as are here."""
        if self._at == len(self._chunk) and not self._receive():
            return b""
        data = self._chunk[self._at : self._at + size]
        self._at += len(data)
        return data

    def _receive(self) -> bool:
        self._chunk, self._at = self._source.read(_READ), 0
        write_all(self._file.fileno(), self._chunk)
        self._received += len(self._chunk)
        if self._progress is not None:
            self._progress(self._received)
        return bool(self._chunk)

    def drain(self) -> None:
        """Read what comes after the end, which whoever sends it wants to be rid of."""
        while self._source.read(_READ):
            pass


def _content(entry: tar.Entry, reader: tar.TarReader, incoming: _Incoming) -> Content:
    offset = incoming.position
    if entry.holes is not None:
        return Content(offset, entry.real_size, holes=_checked_holes(entry, reader.left))
    hashed = hashlib.sha256()
    for chunk in reader.data():
        hashed.update(chunk)
    return Content(offset, entry.size, hashed.digest())


def _checked_holes(entry: tar.Entry, stored: int) -> tuple[tuple[int, int], ...]:
    """Return where the data of a sparse file belongs: in order, inside of it, and all there."""
    holes = tuple(hole for hole in entry.holes or () if hole[1])
    at = 0
    for offset, length in holes:
        if length < 0 or offset < at:
            raise CorruptContentError("damaged map of a sparse file")
        at = offset + length
    if not at <= entry.real_size <= _LARGEST_SPARSE or sum(n for _, n in holes) > stored:
        raise CorruptContentError("damaged map of a sparse file")
    return holes


class ArchiveTree:
    """See the module and `Tree`. Used after `close`, it raises InternalError."""

    def __init__(self, file: Held, index: Index) -> None:
        self._file: Held | None = file
        self._index = index

    def __len__(self) -> int:
        """How many entries there are, directories that none described included."""
        return len(self._index)

    def close(self) -> None:
        """Let go of the file; whoever reads from it now may go on."""
        self._file = None

    def get(self, path: bytes) -> Node | None:
        """Return the node at a path."""
        return self._index.get(path)

    def children(self, node: Node) -> Iterator[Node]:
        """Yield what is in a directory."""
        return self._index.children(node.path)

    def extents(self, node: Node) -> Sequence[Extent]:
        """Return where a file's bytes are in the archive."""
        content, file = self._index.content(node.path), self._spooled()
        if content.holes is None:
            return (Extent(file, content.offset, 0, content.size),)
        found, offset = [], content.offset
        for at, length in content.holes:
            found.append(Extent(file, offset, at, length))
            offset += length
        return found

    def open(self, node: Node) -> BinaryIO:
        """Open a file's content."""
        raw = _Pieces(self.extents(node), node.size)
        return cast(BinaryIO, io.BufferedReader(raw, min(_READ, max(node.size, 1))))

    def digest(self, node: Node) -> bytes:
        """Return a file's digest, which for all but sparse ones is known since it came."""
        content = self._index.content(node.path)
        if not content.digest:
            with self.open(node) as file:
                content.digest = digest_of(file)
        return content.digest

    def _spooled(self) -> Held:
        if self._file is None:
            raise InternalError("the build's context is read from after its end")
        return self._file


class _Pieces(io.RawIOBase):
    """A file that is put together of extents in order, with zeros between them."""

    def __init__(self, extents: Sequence[Extent], size: int) -> None:
        self._extents = extents
        self._size = size
        self._next = 0
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, given: memoryview, /) -> int:  # type: ignore[override]
        buffer = memoryview(given)  # a slice of a bytearray, which comes as well, is a copy
        wanted = min(len(buffer), self._size - self._at)
        while self._next < len(self._extents):
            extent = self._extents[self._next]
            if self._at < extent.at + extent.size:
                break
            self._next += 1
        else:
            return self._give_zeros(buffer, wanted)
        if self._at < extent.at:
            return self._give_zeros(buffer, min(wanted, extent.at - self._at))
        begun = self._at - extent.at
        view = buffer[: min(wanted, extent.size - begun)]
        count = os.preadv(extent.source.fileno(), [view], extent.offset + begun)
        self._at += count
        return count

    def _give_zeros(self, buffer: memoryview, count: int) -> int:
        count = min(count, len(_ZEROS))
        buffer[:count] = _ZEROS[:count]
        self._at += count
        return count
