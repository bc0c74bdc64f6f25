"""What comes on standard input for a build: an archive, or a Dockerfile.

An archive is recognised by its first bytes and passed on as it is, compressed or not: the engine
knows the same formats.
"""

from __future__ import annotations

from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

LOOK = 512
PIECE = 1 << 18
_USTAR = b"ustar"
_USTAR_AT = 257
_SUM = slice(148, 156)
_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")


def is_archive(head: bytes) -> bool:
    """Say whether what begins with these bytes is a tar, perhaps a compressed one."""
    if head.startswith(_COMPRESSED) or head[_USTAR_AT:].startswith(_USTAR):
        return True
    return len(head) == LOOK and _has_sum(head)


def _has_sum(head: bytes) -> bool:
    """Say whether the block is a header of the time before ustar, or of an empty archive."""
    if not any(head):
        return True
    digits = head[_SUM].strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    return int(digits, 8) == sum(head) - sum(head[_SUM]) + 8 * ord(" ")


def read_head(file: BinaryIO) -> bytes:
    """Return the first block, or all that there is."""
    head = b""
    while len(head) < LOOK and (data := file.read(LOOK - len(head))):
        head += data
    return head


def passed_on(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    """Yield the archive that begins with `head`."""
    yield head
    while data := file.read(PIECE):
        yield data
