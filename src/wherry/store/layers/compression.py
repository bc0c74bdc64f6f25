"""Streams that hash, count, compress and decompress."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from wherry.oci.digest import Digest
from wherry.oci.image import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from wherry.store.errors import CorruptContentError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# So many of the first bytes tell how a stream is compressed.
MAGIC_BYTES = len(ZSTD_MAGIC)
_MEDIA_TYPES = {"": OCI_LAYER, "gzip": OCI_LAYER_GZIP, "zstd": OCI_LAYER_ZSTD}
_COPY = 256 << 10
_LEVEL = 2
_GZIP = 31  # zlib's number for a window of 32 KiB with the header of gzip


class Readable(Protocol):
    """Whatever gives bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


class Writable(Protocol):
    """Whatever takes bytes."""

    def write(self, data: bytes, /) -> object: ...


class Peeked:
    """A stream whose first bytes can be looked at before they are read."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.head = b""
        while len(self.head) < MAGIC_BYTES:
            more = source.read(MAGIC_BYTES - len(self.head))
            if not more:
                break
            self.head += more
        self._pending = self.head

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all of them when it is negative."""
        if self._pending:
            data = self._pending if size < 0 else self._pending[:size]
            self._pending = self._pending[len(data) :]
            return data + self._source.read(-1) if size < 0 else data
        return self._source.read(size)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill a buffer as far as one read goes: what decompressors ask for."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        """Be what `io.BufferedReader` asks for."""
        return True


def compression_of(head: bytes) -> str:
    """Return "gzip", "zstd" or "" for the first bytes of a stream."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    return "zstd" if head.startswith(ZSTD_MAGIC) else ""


def media_type_of(head: bytes) -> str:
    """Return the media type of a layer whose first bytes these are."""
    return _MEDIA_TYPES[compression_of(head)]


def decompressed(source: Readable) -> Readable:
    """Return the plain bytes of a stream that may be compressed with gzip or zstd.

    Damage shows as CorruptContentError while reading.
    """
    peeked = Peeked(source)
    kind = compression_of(peeked.head)
    if not kind:
        return peeked
    opened, damage = _gzip(peeked) if kind == "gzip" else _zstd(peeked)
    return _Checked(opened, kind, (EOFError, *damage))


def _gzip(source: Readable) -> tuple[Readable, tuple[type[Exception], ...]]:
    # Both libraries are loaded by the first who meets such a layer.
    from isal import igzip, isal_zlib  # noqa: PLC0415

    opened = igzip.IGzipFile(fileobj=cast(BinaryIO, source), mode="rb")  # type: ignore[no-untyped-call]
    # Its stub takes the class for an instance.
    return opened, (igzip.BadGzipFile, cast(type[Exception], isal_zlib.IsalError))


def _zstd(source: Readable) -> tuple[Readable, tuple[type[Exception], ...]]:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - as above
    else:
        from backports import zstd  # noqa: PLC0415 - as above

    return zstd.ZstdFile(cast(BinaryIO, source), mode="rb"), (zstd.ZstdError,)


def compress(write: Callable[[Writable], None], sink: Writable) -> None:
    """Write as gzip what `write` writes; the same bytes give the same bytes: no time is in it."""
    packing = _Packing(sink)
    write(packing)
    packing.finish()


class _Packing:
    """Compresses in pieces of one size: where pieces end shows in what comes out."""

    def __init__(self, sink: Writable) -> None:
        from isal import isal_zlib  # noqa: PLC0415 - as for reading

        self._sink = sink
        self._packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._pending = bytearray()

    def write(self, data: bytes, /) -> int:
        self._pending += data
        whole = len(self._pending) - len(self._pending) % _COPY
        for at in range(0, whole, _COPY):
            self._sink.write(self._packer.compress(bytes(self._pending[at : at + _COPY])))
        del self._pending[:whole]
        return len(data)

    def finish(self) -> None:
        self._sink.write(self._packer.compress(bytes(self._pending)))
        self._sink.write(self._packer.flush())


def copy(source: Readable, sink: Writable) -> None:
    """Write what a stream has left."""
    while chunk := source.read(_COPY):
        sink.write(chunk)


class _Checked:
    def __init__(self, source: Readable, kind: str, damage: tuple[type[Exception], ...]) -> None:
        self._source = source
        self._kind = kind
        self._damage = damage

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._source.read(size)
        except self._damage as error:
            raise CorruptContentError(f"damaged or cut short {self._kind} data: {error}") from error


class Copied:
    """A stream that writes what is read through it to a sink as well."""

    def __init__(self, source: Readable, sink: Writable) -> None:
        self._source = source
        self._sink = sink

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        data = self._source.read(size)
        self._sink.write(data)
        return data

    def drain(self) -> None:
        """Read to the end."""
        while self.read(_COPY):
            pass


class Hashed:
    """A stream that hashes and counts what is read through it."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        data = self._source.read(size)
        self._hash.update(data)
        self.count += len(data)
        return data

    def drain(self) -> None:
        """Read to the end."""
        while self.read(_COPY):
            pass

    def digest(self) -> Digest:
        """Return the digest of what was read so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")


def buffered(source: Readable) -> io.BufferedReader:
    """Give a stream a buffer, so that small reads are cheap."""

    class _Raw(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            data = source.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)

    return io.BufferedReader(_Raw(), _COPY)


class Counted:
    """A stream that tells how many bytes have been read through it so far."""

    def __init__(self, source: Readable, progress: Callable[[int], None] | None) -> None:
        self._source = source
        self._progress = progress
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        data = self._source.read(size)
        if self._progress is not None:
            self._count += len(data)
            self._progress(self._count)
        return data


class HashingSink:
    """A file that hashes and counts what is written to it."""

    def __init__(self, sink: Writable) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.count = 0

    def write(self, data: bytes, /) -> int:
        """Write everything."""
        self._sink.write(data)
        self._hash.update(data)
        self.count += len(data)
        return len(data)

    def digest(self) -> Digest:
        """Return the digest of what was written so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")
