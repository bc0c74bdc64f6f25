"""Questions and answers of DNS (RFC 1035) as bytes: pure, and for hostile input.

Only what a resolver's clients send is read: one question, and the size of answers that EDNS (RFC
6891) announces. Everything else in a message is skipped unread, so that no message costs more than
its first name: pointers, which a first name cannot have, are refused with all that is malformed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from wherry.base.values import dataclass

A, PTR, AAAA, MX = 1, 12, 28, 15
NO_ERROR, SERVER_FAILURE, REFUSED = 0, 2, 5
LARGEST: Final = 65535
LENGTH_BYTES: Final = 2

_HEADER: Final = struct.Struct("!HHHHHH")
_TAIL: Final = struct.Struct("!HH")
_RECORD: Final = struct.Struct("!HHHIH")
_OPT: Final = 41
_INTERNET: Final = 1
_SMALLEST: Final = 512
_LONGEST_NAME: Final = 255
_LONGEST_LABEL: Final = 63
_RESPONSE, _OPCODE, _AUTHORITATIVE = 0x8000, 0x7800, 0x0400
_TRUNCATED, _RECURSION_WANTED, _RECURSION_OFFERED = 0x0200, 0x0100, 0x0080
_TO_THE_FIRST_NAME: Final = 0xC000 | _HEADER.size


@dataclass(frozen=True, slots=True)
class Query:
    """A question: `name` in lower case without the last dot; `largest` reply that UDP may bring."""

    id: int
    name: str
    kind: int
    internet: bool
    recursion: bool
    largest: int
    question: bytes


def framed(message: bytes) -> bytes:
    """Return a message as it goes over TCP: its length before it."""
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def parse(data: bytes) -> Query | None:
    """Read a query; None for whatever is none, or has not exactly one well-formed question."""
    if len(data) < _HEADER.size:
        return None
    identifier, flags, questions, *_ = _HEADER.unpack_from(data)
    if flags & (_RESPONSE | _OPCODE) or questions != 1:
        return None
    labels, at = [], _HEADER.size
    while at < len(data) and data[at]:
        length = data[at]
        if length > _LONGEST_LABEL or at + length >= len(data):
            return None
        labels.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    at += 1
    if at + _TAIL.size > len(data) or at - _HEADER.size > _LONGEST_NAME:
        return None
    kind, class_ = _TAIL.unpack_from(data, at)
    end = at + _TAIL.size
    # A dot inside a label is none between labels.
    name = ".".join(label.decode("latin-1").replace(".", "\\.") for label in labels)
    return Query(
        identifier,
        name.lower(),
        kind,
        class_ == _INTERNET,
        bool(flags & _RECURSION_WANTED),
        _announced(data, end),
        data[_HEADER.size : end],
    )


def _announced(data: bytes, at: int) -> int:
    """Return the size that an EDNS record directly behind the question gives."""
    _, _, _, answers, authorities, additional = _HEADER.unpack_from(data)
    if answers or authorities or not additional or data[at : at + 1] != b"\0":
        return _SMALLEST
    if at + 1 + _TAIL.size > len(data):
        return _SMALLEST
    kind, size = _TAIL.unpack_from(data, at + 1)
    return max(size, _SMALLEST) if kind == _OPT else _SMALLEST


def reply(
    query: Query,
    records: Sequence[tuple[int, bytes]] = (),
    *,
    ttl: int = 0,
    code: int = NO_ERROR,
    largest: int = LARGEST,
) -> bytes:
    """Return an answer with as many records, of kind and data, as fit; the flag says if not all."""
    flags = _RESPONSE | _AUTHORITATIVE | _RECURSION_OFFERED | code
    flags |= _RECURSION_WANTED if query.recursion else 0
    left = largest - _HEADER.size - len(query.question)
    parts = []
    for kind, data in records:
        left -= _RECORD.size + len(data)
        if left < 0:
            flags |= _TRUNCATED
            break
        parts.append(_RECORD.pack(_TO_THE_FIRST_NAME, kind, _INTERNET, ttl, len(data)) + data)
    header = _HEADER.pack(query.id, flags, 1, len(parts), 0, 0)
    return b"".join((header, query.question, *parts))


def encoded_name(name: str) -> bytes:
    """Encode a name as labels; one that is too long, which nobody can ask for, is cut."""
    labels = [part.encode("utf-8", "replace")[:_LONGEST_LABEL] for part in name.split(".") if part]
    while sum(len(label) + 1 for label in labels) >= _LONGEST_NAME:
        labels.pop()
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def response_code(message: bytes) -> int | None:
    """Return the code of an answer; None for what is too short to be one, or is no answer."""
    if len(message) < _HEADER.size:
        return None
    flags = _HEADER.unpack_from(message)[1]
    return flags & 0xF if flags & _RESPONSE else None
