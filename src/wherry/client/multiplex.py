"""The framing of attach, exec and logs without a terminal: eight bytes of head, then a payload.

A head is the stream (0 stdin, 1 stdout, 2 stderr, 3 an error of the engine), three zero bytes and
a big-endian length. A pure state machine: feed it what arrives, in whatever pieces; a head with
another stream raises BrokenReplyError.
"""

from __future__ import annotations

from wherry.client.errors import BrokenReplyError

STDOUT = 1
STDERR = 2
SYSTEM_ERROR = 3
HEAD = 8


class Demultiplexer:
    """Turns received bytes into (stream, bytes) pieces."""

    def __init__(self) -> None:
        self._buffer = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the pieces that `data` completes; parts of a payload are passed on at once."""
        pieces = []
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while at < len(buffer):
            if self._left:
                piece = buffer[at : at + self._left]
                pieces.append((self._stream, piece))
                self._left -= len(piece)
                at += len(piece)
            elif len(buffer) - at < HEAD:
                break
            else:
                self._stream = buffer[at]
                if self._stream > SYSTEM_ERROR:
                    raise BrokenReplyError(f"Unrecognized input header: {self._stream}")
                self._left = int.from_bytes(buffer[at + 4 : at + HEAD], "big")
                at += HEAD
        self._buffer = buffer[at:]
        return pieces
