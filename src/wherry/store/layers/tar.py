"""Reads tar archives: ustar, PAX and GNU with long names, sparse files of both, large numbers.

A pure reader of a stream: gives headers and, between them, the bytes of files. What names mean is
decided by who unpacks. Sources: POSIX pax(1); GNU tar manual, "Basic Tar Format", "Sparse Formats".
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from wherry.base.values import dataclass, field
from wherry.store.errors import CorruptContentError
from wherry.store.layers.compression import Readable

BLOCK: Final = 512
_END: Final = bytes(BLOCK)
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0123456"
_CONTIGUOUS, _OLD_REGULAR, _GNU_SPARSE = b"7\0S"
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"xgLK"
_XATTR_PREFIX: Final = b"SCHILY.xattr."
# An extended header is metadata of one entry: far above what any tool writes, far below a bomb.
_LARGEST_EXTENSION: Final = 1 << 20
_COPY: Final = 1 << 20
_NANO: Final = 1_000_000_000


@dataclass(slots=True)
class Entry:
    """A header. `size` is of the data in the archive, `real_size` of the file that it makes.

    `holes` is None for a plain file; else the list of (offset, length) where data belongs.
    """

    name: bytes
    kind: int
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes
    major: int = 0
    minor: int = 0
    real_size: int = 0
    holes: list[tuple[int, int]] | None = None
    xattrs: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        """True for a file with content."""
        return self.kind in (REGULAR, _OLD_REGULAR, _CONTIGUOUS, _GNU_SPARSE)


class TarReader:
    """Iterate over entries; `data()` gives the bytes of the latest one, or they are passed over."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        shared: dict[bytes, bytes] = {}
        while (entry := self._next(shared)) is not None:
            yield entry

    @property
    def left(self) -> int:
        """How many of the latest entry's bytes in the archive have not been read."""
        return self._left

    def data(self) -> Iterator[bytes]:
        """Yield what is left of the latest entry's bytes."""
        while self._left:
            chunk = self._source.read(min(_COPY, self._left))
            if not chunk:
                raise CorruptContentError("the archive is cut short in the middle of a file")
            self._left -= len(chunk)
            yield chunk

    def _next(self, shared: dict[bytes, bytes]) -> Entry | None:
        extended = dict(shared)
        long_name = long_link = None
        while True:
            while self._left:
                for _ in self.data():
                    pass
            if self._padding:
                self._read_exactly(self._padding)
                self._padding = 0
            block = self._read_header()
            if block is None:
                return None
            kind = block[156]
            size = _number(block[124:136])
            if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK):
                content = self._extension(size)
                if kind == _PAX:
                    extended.update(_pax_records(content))
                elif kind == _PAX_GLOBAL:
                    shared.update(_pax_records(content))
                    extended.update(shared)
                elif kind == _GNU_NAME:
                    long_name = content.rstrip(b"\0")
                else:
                    long_link = content.rstrip(b"\0")
                continue
            return self._entry(block, extended, long_name, long_link)

    def _read_header(self) -> bytes | None:
        """Return the next header; None at the end: a block of zeros, or nothing more at all."""
        block = self._read_up_to(BLOCK)
        if not block or (not block[0] and block == _END):
            return None
        if len(block) < BLOCK:
            raise CorruptContentError("the archive is cut short in the middle of a header")
        if not is_header(block):
            raise CorruptContentError("this is not a tar archive, or it is damaged: wrong checksum")
        return block

    def _entry(
        self,
        block: bytes,
        extended: dict[bytes, bytes],
        long_name: bytes | None,
        long_link: bytes | None,
    ) -> Entry:
        kind = block[156]
        entry = Entry(
            name=long_name or _name(block),
            kind=kind,
            mode=_number(block[100:108]) & 0o7777,
            uid=_number(block[108:116]),
            gid=_number(block[116:124]),
            size=_number(block[124:136]),
            mtime_ns=_number(block[136:148]) * _NANO,
            link=long_link or _text(block[157:257]),
        )
        if kind in (CHARACTER, BLOCK_DEVICE):
            entry.major, entry.minor = _number(block[329:337]), _number(block[337:345])
        if extended:
            _apply_pax(entry, extended)
        if entry.size < 0:
            raise CorruptContentError("an entry of negative size in the archive")
        if kind == _OLD_REGULAR and entry.name.endswith(b"/"):
            entry.kind = DIRECTORY
        if kind in (HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO):
            entry.size = 0  # some writers put the size of the target here, without data
        entry.real_size = entry.size
        self._left = entry.size
        self._padding = -entry.size % BLOCK
        if kind == _GNU_SPARSE or extended:
            try:
                self._read_sparse_map(entry, block, extended)
            except (ValueError, KeyError) as error:
                raise CorruptContentError("damaged map of a sparse file") from error
        return entry

    def _read_sparse_map(self, entry: Entry, block: bytes, extended: dict[bytes, bytes]) -> None:
        if block[156] == _GNU_SPARSE:
            entry.real_size = _number(block[483:495])
            entry.holes = _sparse_pairs(block[386:482], 4)
            more = block[482]
            while more:
                following = self._read_exactly(BLOCK)
                entry.holes += _sparse_pairs(following[:504], 21)
                more = following[504]
        elif extended.get(b"GNU.sparse.major") == b"1":
            entry.name = extended.get(b"GNU.sparse.name", entry.name)
            entry.real_size = int(extended[b"GNU.sparse.realsize"])
            entry.holes = self._map_in_data()
        elif sparse := extended.get(b"GNU.sparse.map"):
            entry.name = extended.get(b"GNU.sparse.name", entry.name)
            entry.real_size = int(extended[b"GNU.sparse.size"])
            numbers = [int(n) for n in sparse.split(b",")]
            entry.holes = list(zip(numbers[::2], numbers[1::2], strict=True))

    def _map_in_data(self) -> list[tuple[int, int]]:
        """PAX sparse 1.0: the map is decimal lines in front of the data, padded to a block."""
        text = b""
        wanted = None
        while wanted is None or text.count(b"\n") < wanted:
            if len(text) > _LARGEST_EXTENSION or self._left < BLOCK:
                raise CorruptContentError("damaged map of a sparse file")
            text += self._read_exactly(BLOCK)
            self._left -= BLOCK
            if wanted is None and b"\n" in text:
                wanted = 1 + 2 * int(text.split(b"\n", 1)[0])
        numbers = [int(line) for line in text.split(b"\n")[1:wanted]]
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def _extension(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_EXTENSION:
            raise CorruptContentError(f"an extended header of {size} bytes")
        content = self._read_exactly(size)
        self._read_exactly(-size % BLOCK)
        return content

    def _read_exactly(self, count: int) -> bytes:
        data = self._read_up_to(count)
        if len(data) < count:
            raise CorruptContentError("the archive is cut short")
        return data

    def _read_up_to(self, count: int) -> bytes:
        part = self._source.read(count) if count else b""
        if len(part) == count:
            return part
        parts = []
        while part:
            parts.append(part)
            count -= len(part)
            part = self._source.read(count) if count else b""
        return b"".join(parts)


def is_header(block: bytes) -> bool:
    """Tell whether a block of 512 bytes has the checksum of a header.

    Raises CorruptContentError when there is no number in its place.
    """
    # The checksum counts its own place as eight spaces.
    return _number(block[148:156]) == _sum(block) - sum(block[148:156]) + 8 * 32


def _sum(block: bytes) -> int:
    """Return the sum of a block: in halves, each of which fits the lower part of an Adler-32."""
    first, second = zlib.adler32(block[:256]), zlib.adler32(block[256:])
    return (first & 0xFFFF) + (second & 0xFFFF) - 2


def _text(raw: bytes) -> bytes:
    return raw.split(b"\0", 1)[0]


def _name(block: bytes) -> bytes:
    name = _text(block[0:100])
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
        return prefix + b"/" + name
    return name


def _number(raw: bytes) -> int:
    """Octal text; or, with the top bit set, a number in base 256 (GNU)."""
    if raw[0] & 0x80:
        value = int.from_bytes(raw, "big") & ~(0x80 << 8 * (len(raw) - 1))
        return value - (1 << 8 * len(raw) - 1) if raw[0] & 0x40 else value
    try:
        return int(raw.rstrip(b"\0 "), 8)
    except ValueError:
        pass  # nothing at all, or something behind the end
    text = raw.strip(b" \0").split(b"\0", 1)[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise CorruptContentError(f"damaged number in a tar header: {raw!r}") from None


def _sparse_pairs(raw: bytes, count: int) -> list[tuple[int, int]]:
    pairs = []
    for index in range(count):
        at = index * 24
        if raw[at] == 0:
            break
        pairs.append((_number(raw[at : at + 12]), _number(raw[at + 12 : at + 24])))
    return pairs


def _pax_records(content: bytes) -> dict[bytes, bytes]:
    """Parse `length key=value\\n` records; the length counts the whole record."""
    records = {}
    at = 0
    while at < len(content):
        digits, _, _ = content[at : at + 20].partition(b" ")
        if not digits.isdigit() or int(digits) <= len(digits) + 1:
            break
        record = content[at + len(digits) + 1 : at + int(digits)]
        key, separator, value = record.partition(b"=")
        if not separator or not value.endswith(b"\n"):
            raise CorruptContentError("damaged PAX header")
        records[key] = value[:-1]
        at += int(digits)
    return records


def _apply_pax(entry: Entry, records: dict[bytes, bytes]) -> None:
    try:
        for key, value in records.items():
            if key == b"path":
                entry.name = value
            elif key == b"linkpath":
                entry.link = value
            elif key == b"size":
                entry.size = int(value)
            elif key == b"uid":
                entry.uid = int(value)
            elif key == b"gid":
                entry.gid = int(value)
            elif key == b"mtime":
                entry.mtime_ns = _nanoseconds(value)
            elif key.startswith(_XATTR_PREFIX):
                entry.xattrs[key.removeprefix(_XATTR_PREFIX)] = value
    except ValueError as error:
        raise CorruptContentError(f"damaged PAX header: {error}") from error


def _nanoseconds(value: bytes) -> int:
    whole, _, fraction = value.partition(b".")
    nanoseconds = int(whole) * _NANO
    part = int(fraction[:9].ljust(9, b"0")) if fraction else 0
    return nanoseconds - part if value.startswith(b"-") else nanoseconds + part
