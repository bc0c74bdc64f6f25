"""One connection's HTTP, server side, as a pure state machine around h11.

Bytes in, events out; responses in, bytes out. Does no I/O, so tests read like a transcript. After
`hijacked` the machine is spent: what the client sent behind its request is `early_bytes`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qs, unquote

import h11

from wherry.api.http.chunks import ChunkDecoder

# Names, filters and credentials travel in request heads; Go's server takes 1 MiB.
MOST_HEAD_BYTES = 256 * 1024
Event = (
    h11.Request
    | h11.Data
    | h11.EndOfMessage
    | h11.ConnectionClosed
    | type[h11.NEED_DATA]
    | type[h11.PAUSED]
)


class Framing:
    """The server's end of one connection."""

    def __init__(self) -> None:
        self._h11 = _server()
        # Decodes the present request's body in h11's place, if it is a chunked one.
        self._chunks: ChunkDecoder | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes of the client; empty for the end of its direction."""
        if self._chunks is not None and not self._chunks.ended:
            self._chunks.feed(data)
        else:
            self._h11.receive_data(data)

    def next_event(self) -> Event:
        """Return the next event; raises `h11.RemoteProtocolError` for what is not HTTP."""
        if self._chunks is not None:
            return self._next_piece(self._chunks)
        event = cast("Event", self._h11.next_event())
        if isinstance(event, h11.Request) and _is_chunked(event):
            self._chunks = ChunkDecoder()
            if early := bytes(self._h11.trailing_data[0]):
                self._chunks.feed(early)
        return event

    @staticmethod
    def _next_piece(chunks: ChunkDecoder) -> Event:
        if payload := chunks.take():
            return h11.Data(data=payload)
        return h11.EndOfMessage() if chunks.ended else h11.NEED_DATA

    @property
    def continue_expected(self) -> bool:
        """True while the client holds its body back until it is told to go on."""
        return bool(self._h11.they_are_waiting_for_100_continue)

    def go_on(self) -> bytes:
        """Return what tells the client to send its body."""
        return self._send(h11.InformationalResponse(status_code=100, headers=[]))

    def head(self, status: int, headers: Mapping[str, str]) -> bytes:
        """Return the head of a response; chunked when no Content-Length is given."""
        return self._send(
            h11.Response(status_code=status, headers=pairs(headers), reason=reason(status))
        )

    def data(self, piece: bytes) -> bytes:
        """Return a piece of the response's body, framed."""
        return self._send(h11.Data(data=piece))

    def end(self) -> bytes:
        """Return what ends the response."""
        return self._send(h11.EndOfMessage())

    @property
    def body_ended(self) -> bool:
        """True once the request has been received to its end."""
        if self._chunks is not None:
            return self._chunks.ended and not self._chunks.pending
        return self._h11.their_state not in (h11.SEND_BODY, h11.IDLE)

    @property
    def response_begun(self) -> bool:
        """True once a response's head has been made for the present request."""
        return self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE)

    def next_cycle(self) -> bool:
        """Get ready for another request; False when the connection has served its last."""
        if self._h11.our_state is not h11.DONE or not self.body_ended:
            return False
        if self._chunks is not None:
            # h11 has not seen the body, and waits for it still.
            rest, self._chunks, self._h11 = self._chunks.rest, None, _server()
            if rest:
                self._h11.receive_data(rest)
            return True
        if self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True

    @property
    def early_bytes(self) -> bytes:
        """What the client sent behind its request."""
        if self._chunks is not None:
            return self._chunks.rest
        return bytes(self._h11.trailing_data[0])

    def _send(self, event: h11.Event) -> bytes:
        return self._h11.send(event) or b""


def _server() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)


def _is_chunked(request: h11.Request) -> bool:
    # h11 has refused every other transfer coding.
    return any(name == b"transfer-encoding" for name, _ in request.headers)


def hijacked(*, upgrade: bool, headers: Mapping[str, str]) -> bytes:
    """Return the head with which a connection leaves HTTP, in Docker's words."""
    if upgrade:
        line = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
    else:
        line = "HTTP/1.1 200 OK\r\n"
    return (line + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode()


def pairs(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers in h11's form, with the date that every response carries."""
    dated = [*headers.items(), ("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()))]
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in dated]


def reason(status: int) -> bytes:
    """Return the words of a status line."""
    return _REASONS.get(status, b"")


def split_target(target: bytes) -> tuple[str, dict[str, list[str]]]:
    """Return the path and the query of a request's target, both decoded."""
    text = target.decode("latin-1")
    if text.startswith(("http://", "https://")):
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    path, _, query = text.partition("?")
    return unquote(path), parse_qs(query, keep_blank_values=True) if query else {}


_REASONS = {
    200: b"OK",
    201: b"Created",
    204: b"No Content",
    304: b"Not Modified",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    408: b"Request Timeout",
    409: b"Conflict",
    413: b"Request Entity Too Large",
    431: b"Request Header Fields Too Large",
    499: b"Client Closed Request",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}
