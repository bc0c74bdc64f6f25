"""Archives as builders are sent them: what is one, and the plain bytes of one that is compressed.

gzip and zstd are the store's business, which layers need; bzip2 and xz are only met here. Damage
shows as CorruptContentError while reading, and no more than asked for is ever decompressed at once.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable
from typing import Final, Protocol

from wherry.base.errors import WherryError
from wherry.store.errors import CorruptContentError
from wherry.store.layers import compression, tar
from wherry.store.layers.compression import Readable

_BZIP2_MAGIC: Final = b"BZh"
_XZ_MAGIC: Final = b"\xfd7zXZ\0"
_HEAD: Final = tar.BLOCK
_READ: Final = 256 << 10
# What the largest preset of xz needs, and then some: an archive must not choose freely.
_XZ_MEMORY: Final = 256 << 20
_DAMAGE: Final = (EOFError, OSError, ValueError, lzma.LZMAError)


class _Decompressor(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Headed:
    """A stream of which the first bytes have been looked at."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        parts, missing = list[bytes](), _HEAD
        while missing and (part := source.read(missing)):
            parts.append(part)
            missing -= len(part)
        self.head = b"".join(parts)
        self._pending = self.head

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all of them when it is negative."""
        if not self._pending:
            return self._source.read(size)
        data = self._pending if size < 0 else self._pending[:size]
        self._pending = self._pending[len(data) :]
        return data + self._source.read(-1) if size < 0 else data


def is_archive(head: bytes) -> bool:
    """Tell by its first bytes, 512 or all there are, whether something sent is an archive.

    What is compressed is taken for one. `holds_archive` looks into it.
    """
    return _is_compressed(head) or _is_tar(head)


def holds_archive(source: Readable) -> bool:
    """Tell whether a stream is an archive, compressed or not; reads only as far as it must."""
    try:
        return _is_tar(Headed(plain(source)).head)
    except CorruptContentError:
        return False


def plain(source: Readable) -> Readable:
    """Return the plain bytes of a stream that may be compressed."""
    headed = Headed(source)
    if headed.head.startswith(_BZIP2_MAGIC):
        return _Stream(headed, bz2.BZ2Decompressor, _BZIP2_MAGIC)
    if headed.head.startswith(_XZ_MAGIC):

        def decompressor() -> lzma.LZMADecompressor:
            return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

        return _Stream(headed, decompressor, _XZ_MAGIC)
    if compression.compression_of(headed.head):
        return compression.decompressed(headed)
    return headed


def _is_compressed(head: bytes) -> bool:
    return head.startswith((_BZIP2_MAGIC, _XZ_MAGIC)) or bool(compression.compression_of(head))


def _is_tar(head: bytes) -> bool:
    if len(head) < _HEAD:
        return False
    try:
        return tar.is_header(head[:_HEAD])
    except WherryError:
        return False


class _Stream:
    """Decompresses one stream after the other, as both formats allow them to be joined."""

    def __init__(self, source: Readable, make: Callable[[], _Decompressor], magic: bytes) -> None:
        self._source = source
        self._make = make
        self._magic = magic
        self._decompressor = make()
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_READ), b""))
        data = b""
        while size and not data and not self._ended:
            data = self._step(size)
        return data

    def _step(self, size: int) -> bytes:
        pending = b""
        if self._decompressor.eof:
            pending = self._following()
            # As the formats' own tools do: padding is passed over, and so is what is no stream.
            if not pending.startswith(self._magic):
                self._ended = True
                return b""
            self._decompressor = self._make()
        elif self._decompressor.needs_input:
            pending = self._source.read(_READ)
            if not pending:
                raise CorruptContentError("the compressed data is cut short")
        try:
            return self._decompressor.decompress(pending, size)
        except _DAMAGE as error:
            raise CorruptContentError(f"damaged compressed data: {error}") from error

    def _following(self) -> bytes:
        """Return what follows the end of a stream, enough of it to see what it is."""
        found = self._decompressor.unused_data.lstrip(b"\0")
        while len(found) < len(self._magic) and (more := self._source.read(_READ)):
            found = (found + more).lstrip(b"\0")
        return found
