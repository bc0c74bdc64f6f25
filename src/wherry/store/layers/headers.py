"""Writes headers of tar archives: ustar, after PAX records for what ustar cannot say. Pure.

The same entry gives the same bytes. `tar` reads them; names are bytes, for a file's name need not
be text. Sources: POSIX pax(1); what star and Go call extended attributes, `SCHILY.xattr.`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

BLOCK: Final = 512
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = (
    b"0", b"1", b"2", b"3", b"4", b"5", b"6",
)  # fmt: skip
END: Final = bytes(2 * BLOCK)

_EXTENDED: Final = b"x"
_XATTR: Final = b"SCHILY.xattr."
_NANO: Final = 1_000_000_000
_NO_XATTRS: Final[Mapping[bytes, bytes]] = {}
_MOST_NAME: Final = 100
_MOST_ID: Final = 0o7777777
_MOST_SIZE: Final = 0o77777777777
# No device, for all but devices; names of owners and the rest of a long name are never given.
_NO_DEVICE: Final = b"0000000\0" * 2
_AFTER_TARGET: Final = (b"ustar\x0000" + bytes(64) + _NO_DEVICE).ljust(255, b"\0")


class Header(NamedTuple):
    """An entry: `kind` is one of the above, `size` the bytes of content that follow.

    A tuple, for there is one for every file of every layer.
    """

    name: bytes
    kind: bytes = REGULAR
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    target: bytes = b""
    major: int = 0
    minor: int = 0
    xattrs: Mapping[bytes, bytes] = _NO_XATTRS


def encode(header: Header) -> bytes:
    """Return the blocks that go before an entry's content."""
    records = _records(header)
    plain = _block(header)
    if not records:
        return plain
    content = b"".join(records)
    before = _block(Header(b"././@PaxHeader", _EXTENDED, 0, size=len(content)))
    return before + content + padding(len(content)) + plain


def padding(size: int) -> bytes:
    """Return what follows `size` bytes of content, up to the next block."""
    return bytes(-size % BLOCK)


def _records(header: Header) -> list[bytes]:
    """Return the PAX records of an entry, in an order that is always the same."""
    records: list[bytes] = []
    name, target = header.name, header.target
    if len(name) > _MOST_NAME or not name.isascii():
        _mark_binary(records, name)
        records.append(_record(b"path", name))
    if len(target) > _MOST_NAME or not target.isascii():
        _mark_binary(records, target)
        records.append(_record(b"linkpath", target))
    if header.size > _MOST_SIZE:
        records.append(_record(b"size", b"%d" % header.size))
    if header.uid > _MOST_ID:
        records.append(_record(b"uid", b"%d" % header.uid))
    if header.gid > _MOST_ID:
        records.append(_record(b"gid", b"%d" % header.gid))
    if header.mtime_ns % _NANO or not 0 <= header.mtime_ns // _NANO <= _MOST_SIZE:
        records.append(_record(b"mtime", _seconds(header.mtime_ns)))
    records += [_record(_XATTR + name, header.xattrs[name]) for name in sorted(header.xattrs)]
    return records


def _mark_binary(records: list[bytes], name: bytes) -> None:
    """Say first, and once, that a name is no text: PAX takes names for UTF-8 otherwise."""
    marker = b"21 hdrcharset=BINARY\n"
    if marker not in records:
        try:
            name.decode()
        except UnicodeDecodeError:
            records.insert(0, marker)


def _record(key: bytes, value: bytes) -> bytes:
    """Return `length key=value`, where the length counts its own digits, too."""
    rest = len(key) + len(value) + 3
    length = rest + len(b"%d" % rest)
    if len(b"%d" % length) > len(b"%d" % rest):
        length = rest + len(b"%d" % length)
    return b"%d %s=%s\n" % (length, key, value)


def _seconds(nanoseconds: int) -> bytes:
    seconds, rest = divmod(abs(nanoseconds), _NANO)
    sign = b"-" if nanoseconds < 0 else b""
    if not rest:
        return b"%s%d" % (sign, seconds)
    return (b"%s%d.%09d" % (sign, seconds, rest)).rstrip(b"0")


def _block(header: Header) -> bytes:
    name, kind, mode, uid, gid, size, mtime_ns, target, major, minor, _ = header
    seconds = mtime_ns // _NANO
    before = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        name[:_MOST_NAME].ljust(_MOST_NAME, b"\0"),
        mode,
        uid if uid <= _MOST_ID else 0,
        gid if gid <= _MOST_ID else 0,
        size if size <= _MOST_SIZE else 0,
        seconds if 0 <= seconds <= _MOST_SIZE else 0,
    )
    after = kind + target[:_MOST_NAME].ljust(_MOST_NAME, b"\0") + _AFTER_TARGET
    if major or minor:
        after = after.replace(_NO_DEVICE, b"%07o\0%07o\0" % (major, minor))
    # The checksum counts its own place as eight spaces.
    return b"%s%06o\0 %s" % (before, _sum(before) + _sum(after) + 8 * 32, after)


def _sum(data: bytes) -> int:
    """Return the sum of some hundred bytes: half of an Adler-32, ten times as fast as `sum`."""
    return (zlib.adler32(data) & 0xFFFF) - 1
