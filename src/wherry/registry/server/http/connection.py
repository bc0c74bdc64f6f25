"""Connections of clients, as the server's library makes them, with bounds of our own.

Whoever comes beyond the bound is told to come back, and closed. A request that is no HTTP gets an
error of the protocol and no line in the log: anybody can send one. A connection without a whole
head of a request for IDLE_SECONDS is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from wherry.base.errors import InvalidError
from wherry.registry.server.http.errors import refusal
from wherry.registry.server.http.receive import Request

IDLE_SECONDS = 75.0
LINGER_SECONDS = 5.0
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)
_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": IDLE_SECONDS,
    "lingering_time": LINGER_SECONDS,
    "auto_decompress": False,  # digests are of bytes as they are sent
    "max_line_size": 16 << 10,
    "max_field_size": 32 << 10,  # tokens with many scopes are long
}


class MalformedRequestError(InvalidError):
    """What a client has sent is no HTTP request."""


class Listener(web.Server):
    """Makes connections, up to `limit` at a time; 0 for any number."""

    def __init__(self, handler: Handler, limit: int, server_name: str) -> None:
        super().__init__(handler, request_factory=_make_request)
        self._limit = limit
        self.open = 0
        self.server_name = server_name

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(self, loop=asyncio.get_running_loop(), **_OPTIONS)

    @property
    def full(self) -> bool:
        """Tell whether there are more connections than there may be."""
        return bool(self._limit) and self.open > self._limit


class Connection(web.RequestHandler):
    """A connection that is counted."""

    __slots__ = ("_listener",)

    def __init__(self, listener: Listener, **options: Any) -> None:
        super().__init__(listener, **options)
        self._listener: Listener | None = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve, or refuse."""
        assert self._listener is not None
        self._listener.open += 1
        super().connection_made(transport)
        if self._listener.full:
            cast("asyncio.Transport", transport).write(_FULL)
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take note of the end."""
        if self._listener is not None:
            self._listener.open -= 1
            self._listener = None
        super().connection_lost(exc)

    def expect_no_more(self) -> None:
        """Close after the next response without reading what may be left of the request."""
        self._lingering_time = 0.0

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return what is answered to a request that cannot be read."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun")
        if status >= 500:
            error: Exception = exc if isinstance(exc, Exception) else RuntimeError(message)
            self.logger.error("unforeseen error", exc_info=error)
        else:
            words = "its head is too long" if isinstance(exc, LineTooLong) else "it is malformed"
            error = MalformedRequestError(f"the request cannot be understood: {words}")
        response = refusal(error).response
        if self._listener is not None:
            response.headers["Server"] = self._listener.server_name
        response.force_close()
        return response


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> Request:
    return Request(message, payload, protocol, writer, task, asyncio.get_running_loop())
