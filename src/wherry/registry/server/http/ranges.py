"""Ranges of bytes, as requests and responses write them (RFC 9110, section 14). Pure.

Of blobs one range at a time is served; whoever asks for several gets the whole. Chunks of uploads
announce theirs as the distribution-spec has it, `0-99`, or as HTTP has it, `bytes 0-99/200`.
"""

from __future__ import annotations

import re

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

_SINGLE = re.compile(r"([0-9]{0,18})\s*-\s*([0-9]{0,18})", re.ASCII)
_CHUNK = re.compile(
    r"(?:bytes[ =]\s*)?([0-9]{1,18})-([0-9]{1,18})(?:/(?:\*|[0-9]{1,18}))?", re.ASCII
)


class BlobRangeError(InvalidError):
    """416: no byte of the blob is in the range; `size` is the blob's."""

    def __init__(self, size: int) -> None:
        super().__init__(f"no such range: the blob has {size} bytes")
        self.size = size


class ChunkRangeError(InvalidError):
    """BLOB_UPLOAD_INVALID: the Content-Range of a chunk cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Content-Range is <first byte>-<last byte>, not {text[:80]!r}")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a blob: `length` of them from `start`."""

    start: int
    length: int

    def header(self, size: int) -> str:
        """Return the value of Content-Range for a blob of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def read_range(header: str, size: int) -> Span | None:
    """Return the range that is asked for; None when the whole has to be sent.

    Raises BlobRangeError for what is beyond the end, and for what is no range at all.
    """
    unit, _, ranges = header.partition("=")
    if unit.strip().lower() != "bytes" or "," in ranges:
        return None
    match = _SINGLE.fullmatch(ranges.strip())
    if match is None:
        raise BlobRangeError(size)
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) if last else size, size - 1)
    else:
        start, end = max(0, size - int(last or 0)), size - 1
    if start > end:
        raise BlobRangeError(size)
    return Span(start, end - start + 1)


def read_chunk_range(header: str) -> Span | None:
    """Return what a chunk announces; None where its end lies before its start.

    Raises ChunkRangeError.
    """
    match = _CHUNK.fullmatch(header.strip())
    if match is None:
        raise ChunkRangeError(header)
    start, end = int(match[1]), int(match[2])
    return Span(start, end - start + 1) if start <= end else None


def upload_range(size: int) -> str:
    """Return the value of Range that tells how far an upload is; one without bytes is `0-0`."""
    return f"0-{max(0, size - 1)}"
