"""A chunked body, decoded: pure.

Clients that build send a context of 50 MB in seven thousand chunks. h11 takes some 20 µs for each,
which is most of what a build costs whose steps are all in the cache; this takes one. The grammar is
that of RFC 9112, section 7.1, with what h11 refuses refused: sizes are hexadecimal digits and no
more than a sane number of them, lines end with CR LF, and heads and trailers are bounded.
"""

from __future__ import annotations

import re

import h11

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_LONGEST_LINE = 16 << 10
_MOST_TRAILERS = 64 << 10


class ChunkDecoder:
    """Bytes in, payload out. `ended` once all of the body has been fed; then `rest` is behind."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        self._closing = False  # the CR LF behind a chunk comes next
        self._trailers = 0
        self._last = False
        self._payload: list[bytes] = []
        self.ended = False

    @property
    def rest(self) -> bytes:
        """What was fed behind the end of the body."""
        return self._held if self.ended else b""

    @property
    def pending(self) -> bool:
        """True while there is payload that nobody has taken."""
        return bool(self._payload)

    def feed(self, data: bytes) -> None:
        """Take bytes; raises `h11.RemoteProtocolError` for what is no chunked body."""
        if not data and not self.ended:
            raise h11.RemoteProtocolError("peer closed connection without sending complete body")
        held = self._held + data if self._held else data
        at = 0
        while not self.ended:
            end = self._step(held, at)
            if end is None:
                break
            at = end
        self._held = held[at:]

    def take(self) -> bytes:
        """Return the payload of what was fed since the last time."""
        payload, self._payload = self._payload, []
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _step(self, held: bytes, at: int) -> int | None:
        """Take one part from a place on and return where it ends; None when more is needed."""
        if self._left:
            piece = held[at : at + self._left]
            if not piece:
                return None
            self._payload.append(piece)
            self._left -= len(piece)
            self._closing = not self._left
            return at + len(piece)
        if self._closing:
            if len(held) < at + 2:
                return None
            if held[at : at + 2] != b"\r\n":
                raise h11.RemoteProtocolError("a chunk does not end where it says")
            self._closing = False
            return at + 2
        return self._trailer(held, at) if self._last else self._size(held, at)

    def _size(self, held: bytes, at: int) -> int | None:
        found = _SIZE.match(held, at)
        if found is None:
            if b"\n" in held[at : at + _LONGEST_LINE] or len(held) - at > _LONGEST_LINE:
                raise h11.RemoteProtocolError(f"illegal chunk header: {held[at : at + 32]!r}")
            return None
        self._left = int(found[1], 16)
        self._last = not self._left
        return found.end()

    def _trailer(self, held: bytes, at: int) -> int | None:
        """Pass over a line behind the last chunk; an empty one ends the body."""
        end = held.find(b"\r\n", at)
        self._trailers += max(end - at, 0)
        if self._trailers > _MOST_TRAILERS or (end < 0 and len(held) - at > _MOST_TRAILERS):
            raise h11.RemoteProtocolError("trailers too long")
        if end < 0:
            return None
        self.ended = end == at
        return end + 2
