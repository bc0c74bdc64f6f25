"""The registry's HTTP server: makes exchanges, asks sites, sends what they answer.

Everything that comes of a request goes through here once: who asks is found out, errors become
responses, responses get the headers that all have, and observers are told when it has ended,
however it has. A client that takes or sends nothing for `limits.stall` seconds is left. What fails
after a response has begun breaks the connection off, so that nothing incomplete looks complete.

When the server is closed nobody new is let in, and requests that are running have GRACE_SECONDS.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import hdrs, web

from wherry.base.errors import WherryError
from wherry.registry.protocol import VERSION, VERSION_HEADER
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.http.bodies import BodyResponse
from wherry.registry.server.http.connection import Connection, Listener
from wherry.registry.server.http.errors import GONE, refusal
from wherry.registry.server.http.exchange import Exchange, Observer, Site
from wherry.registry.server.http.patience import Patience, StalledError
from wherry.registry.server.http.peers import Peers
from wherry.registry.server.http.receive import ClientGoneError, Request
from wherry.registry.server.http.routing import PathUnknownError
from wherry.registry.server.settings import Limits

GRACE_SECONDS = 10.0
BACKLOG = 4096
_HANDSHAKE_SECONDS = 30.0
_SERVER_NAME = "wherry"
_STALLED = 408
_ID_HEADER = "X-Request-Id"
_ID_LENGTH = 128
# What the kernel and the library take at once, whatever the client does.
_AT_ONCE = 32 << 10
_log = logging.getLogger(__name__)


class RegistryServer:
    """Serves sites, asked in turn. Belongs to the event loop that `listen` is called in.

    url: how clients reach the registry, "" to go by what they send as Host. trusted_proxies:
    addresses or networks of those who may say for whom they speak.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        guard: Guard,
        observers: Sequence[Observer],
        limits: Limits,
        url: str = "",
        trusted_proxies: Sequence[str] = (),
        server_name: str = _SERVER_NAME,
    ) -> None:
        self._sites = tuple(sites)
        self._guard = guard
        self._observers = tuple(observers)
        self._limits = limits
        self._peers = Peers(url, trusted_proxies)
        self._server_name = server_name
        self._ids = map(f"{secrets.token_hex(6)}-{{:x}}".format, itertools.count(1))
        self._listener: Listener | None = None
        self._socket: asyncio.Server | None = None
        self._port = 0
        self._busy: set[Connection] = set()
        self._idle = asyncio.Event()
        self._closing = False

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    async def listen(
        self,
        address: str,
        port: int,
        ssl_context: ssl.SSLContext | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Begin to serve; port 0 is any that is free. Raises OSError.

        reuse_port: other processes listen there, too, and the kernel shares out the connections.
        """
        loop = asyncio.get_running_loop()
        self._listener = Listener(self._serve, self._limits.connections, self._server_name)
        self._socket = await loop.create_server(
            self._listener,
            address,
            port,
            ssl=ssl_context,
            backlog=BACKLOG,
            reuse_port=reuse_port or None,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if ssl_context else None,
        )
        self._port = int(self._socket.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Let nobody in any more, finish what is running for GRACE_SECONDS, then break off."""
        if self._socket is None or self._listener is None or self._closing:
            return
        self._closing = True
        self._socket.close()
        for connection in self._listener.connections:
            if connection not in self._busy:
                connection.close()
        if self._busy:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._idle.wait()
        self._listener.pre_shutdown()
        await self._listener.shutdown(0.1)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, Request)
        connection = request.protocol
        assert isinstance(connection, Connection)
        begun = time.perf_counter()
        exchange = Exchange(request, self._peers.peer(request), self._id(request))
        self._busy.add(connection)
        try:
            return await self._exchange(exchange)
        finally:
            self._busy.discard(connection)
            if self._closing and not self._busy:
                self._idle.set()
            exchange.seconds = time.perf_counter() - begun
            for observer in self._observers:
                observer.finished(exchange)

    def _id(self, request: web.BaseRequest) -> str:
        """Return what a request is called in logs: by us, or by a proxy that we trust."""
        given = request.headers.get(_ID_HEADER)
        if given and self._peers.trusts(request) and len(given) <= _ID_LENGTH:
            return given
        return next(self._ids)

    async def _exchange(self, exchange: Exchange) -> web.StreamResponse:
        try:
            response = await self._answer(exchange)
        except Exception as error:
            if exchange.request.writer.output_size:  # a site had begun to send its own
                exchange.status = refusal(error).status
                self._break_off(exchange, error)
                return web.Response(status=exchange.status)
            response = self._refused(exchange, error)
        try:
            await self._send(exchange, response)
        except Exception as error:
            if response.prepared:
                self._break_off(exchange, error)
                return response
            response = self._refused(exchange, error)
            with suppress(OSError, StalledError, ClientGoneError):
                await self._send(exchange, response)
        return response

    async def _answer(self, exchange: Exchange) -> web.StreamResponse:
        exchange.caller = await self._guard.identify(exchange.peer)
        for site in self._sites:
            response = await site.answer(exchange)
            if response is not None:
                return response
        raise PathUnknownError

    async def _send(self, exchange: Exchange, response: web.StreamResponse) -> None:
        request = exchange.request
        exchange.status = response.status
        if not response.prepared:
            self._complete(exchange, response)
        if isinstance(response, BodyResponse):
            try:
                await response.prepare(request)
                await response.write_eof()
            finally:
                exchange.sent = response.sent
            return
        size = _size_in_memory(response)
        transport = request.transport
        if transport is None:
            raise ClientGoneError
        if size is not None and size <= _AT_ONCE and not transport.get_write_buffer_size():
            await response.prepare(request)
            await response.write_eof()
        else:
            async with Patience(transport, self._limits.stall):
                await response.prepare(request)
                await response.write_eof()
        if transport.is_closing() and transport.get_write_buffer_size():
            raise ClientGoneError
        if request.method != hdrs.METH_HEAD:
            exchange.sent = response.body_length if size is None else size

    def _complete(self, exchange: Exchange, response: web.StreamResponse) -> None:
        """Give a response what all have."""
        request = exchange.request
        headers = response.headers
        headers[hdrs.SERVER] = self._server_name
        headers[_ID_HEADER] = exchange.id
        headers["X-Content-Type-Options"] = "nosniff"
        if request.raw_path.startswith("/v2"):
            headers[VERSION_HEADER] = VERSION
        withheld = isinstance(request, Request) and request.body_is_withheld
        if self._closing:
            response.force_close()
        if withheld or response.status == _STALLED:
            # A client that was not asked for its body may send it all the same, or not.
            response.force_close()
            connection = request.protocol
            assert isinstance(connection, Connection)
            connection.expect_no_more()

    def _refused(self, exchange: Exchange, error: Exception) -> web.StreamResponse:
        request = exchange.request
        if isinstance(error, ConnectionError) and request.transport is None:
            error = ClientGoneError()
        told = refusal(error)
        exchange.error = told.code
        exchange.detail = told.detail
        exchange.status = told.status
        if not isinstance(error, WherryError):
            _log.error("%s %s: unforeseen error", request.method, exchange.route, exc_info=error)
        elif told.logged:
            _log.error("%s %s: %s", request.method, exchange.route, told.detail)
        return told.response

    def _break_off(self, exchange: Exchange, error: Exception) -> None:
        """End a response that cannot be finished, so that it does not look whole."""
        gone = isinstance(error, OSError | ClientGoneError)
        told = refusal(ClientGoneError() if gone else error)
        exchange.error = told.code
        exchange.detail = f"broken off: {told.detail}"
        if gone:
            exchange.status = GONE
        elif not isinstance(error, WherryError):
            _log.error("%s: a response broke off", exchange.route, exc_info=error)
        elif not isinstance(error, StalledError):
            _log.warning("%s: a response broke off: %s", exchange.route, error)
        transport = exchange.request.transport
        if transport is not None:
            transport.abort()


def _size_in_memory(response: web.StreamResponse) -> int | None:
    """Return the size of a body that is in memory; None for another one."""
    if not isinstance(response, web.Response):
        return None
    body = response.body
    if body is None:
        return 0
    return len(body) if isinstance(body, bytes | bytearray) else None
