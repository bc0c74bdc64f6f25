"""One client's connection: requests in turn, each answered by the application.

The handler runs in a task of its own. While it works, the end of the client's direction cancels it
when the application says so (a stream that nobody reads), and is only remembered otherwise (a stop
that was asked for is carried out). A connection is kept alive when the request was read to its end
and the response was sent to its end, and is closed otherwise. Never raises: what cannot be answered
is logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Protocol, cast

import h11

from wherry.api.http.framing import Event, Framing, hijacked, split_target
from wherry.api.http.message import (
    BodyTooLargeError,
    Hijack,
    Reply,
    Request,
    Response,
    Stream,
)
from wherry.api.http.transport import HijackedWire, Wire
from wherry.base.values import dataclass

HEAD_SECONDS = 30.0
LINGER_SECONDS = 2.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handling:
    """What the application does with a request; `cancellable`: stop when the client goes."""

    answer: Callable[[], Awaitable[Response]]
    cancellable: bool


class Application(Protocol):
    """What a server serves; `headers` are in every response."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def handle(self, request: Request) -> Handling:
        """Choose what answers a request; must not raise."""

    def failure(self, error: Exception) -> Reply:
        """Return the response that tells of an error."""

    def broken(self, error: Exception) -> bytes | None:
        """Return what a hijacked connection is told of an error, if anything."""


class Connection:
    """Serves one client until either side ends."""

    def __init__(self, wire: Wire, application: Application) -> None:
        self._wire = wire
        self._application = application
        self._framing = Framing()

    async def serve(self) -> None:
        """Answer requests in turn; returns when the connection is closed."""
        try:
            while (request := await self._next_request()) is not None:
                if not await self._exchange(request):
                    break
                if not self._framing.next_cycle():
                    break
        except (ConnectionError, TimeoutError):
            pass  # the client is gone; there is nobody to tell
        except h11.RemoteProtocolError as error:
            await self._refuse(error)
        finally:
            await self._wire.close()

    async def _next_request(self) -> Request | None:
        event = self._framing.next_event()
        if event is h11.NEED_DATA:
            if not await self._receive():
                return None
            event = await self._rest_of_head()
        if not isinstance(event, h11.Request):
            return None
        path, query = split_target(event.target)
        headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            self._framing.next_event()  # the end of a body that is not there
        return Request(event.method.decode(), path, query, headers, _Body(self))

    async def _rest_of_head(self) -> Event:
        async with asyncio.timeout(HEAD_SECONDS):
            while (event := self._framing.next_event()) is h11.NEED_DATA:
                await self._receive()
        return event

    async def _receive(self) -> bool:
        data = await self._wire.receive()
        self._framing.feed(data)
        return bool(data)

    async def body_chunks(self) -> AsyncIterator[bytes]:
        """Yield the present request's body as it arrives."""
        if self._framing.continue_expected:
            await self._wire.send(self._framing.go_on())
        while not self._framing.body_ended:
            event = self._framing.next_event()
            if event is h11.NEED_DATA:
                await self._receive()
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif not isinstance(event, h11.EndOfMessage):
                return

    async def _exchange(self, request: Request) -> bool:
        """Answer one request; return whether the connection can take another."""
        handling = self._application.handle(request)
        task = asyncio.ensure_future(self._answer(request, handling))
        gone = False

        def on_gone() -> None:
            nonlocal gone
            gone = True
            if handling.cancellable and self._framing.body_ended:
                task.cancel()

        self._wire.watch(on_gone)
        try:
            return await task
        except asyncio.CancelledError:
            if not gone:
                task.cancel()
                raise
            return False
        finally:
            self._wire.watch(None)

    async def _answer(self, request: Request, handling: Handling) -> bool:
        try:
            response = await handling.answer()
            match response:
                case Hijack():
                    await self._hijack(request, response)
                    return False
                case Stream():
                    await self._stream(request, response)
                case Reply():
                    await self._reply(request, response)
        except (ConnectionError, h11.RemoteProtocolError) as error:
            log.debug("%s %s: the client is gone: %s", request.method, request.path, error)
            return False
        except Exception as error:
            if self._framing.response_begun:
                log.info("%s %s broke off: %s", request.method, request.path, error)
                return False
            await self._reply(request, self._application.failure(error))
        return await self._finish_body()

    async def _reply(self, request: Request, reply: Reply) -> None:
        headers = self._headers(reply.headers, reply.content_type)
        if reply.status not in (204, 304):
            headers["Content-Length"] = str(len(reply.body))
        parts = [self._framing.head(reply.status, headers)]
        if reply.body and request.method != "HEAD":
            parts.append(self._framing.data(reply.body))
        parts.append(self._framing.end())
        await self._wire.send(b"".join(parts))

    async def _stream(self, request: Request, stream: Stream) -> None:
        async with aclosing(cast("_Closable", stream.pieces)):
            first = b"" if stream.at_once else await anext(stream.pieces, b"")
            headers = self._headers(stream.headers, stream.content_type)
            head = self._framing.head(stream.status, headers)
            await self._wire.send(head + (self._framing.data(first) if first else b""))
            if request.method != "HEAD":
                await self._pieces(stream)
        await self._wire.send(self._framing.end())

    async def _pieces(self, stream: Stream) -> None:
        try:
            async for piece in stream.pieces:
                if piece:
                    await self._wire.send(self._framing.data(piece))
        except ConnectionError:
            raise
        except Exception as error:
            if stream.last_words is None:
                raise
            await self._wire.send(self._framing.data(stream.last_words(error)))

    async def _hijack(self, request: Request, hijack: Hijack) -> None:
        async for _ in self.body_chunks():
            pass  # the body, if any, belongs to the request and not to the stream behind it
        early = self._framing.early_bytes
        # From here on the end of the client's direction is the end of standard input, no more.
        self._wire.watch(None)
        headers = self._headers({}, hijack.content_type)
        await self._wire.send(hijacked(upgrade=request.wants_upgrade, headers=headers))
        try:
            await hijack.run(HijackedWire(self._wire, early))
        except ConnectionError:
            return
        except Exception as error:
            if words := self._application.broken(error):
                await self._wire.send(words)
        self._wire.end_sending()

    def _headers(self, headers: Mapping[str, str], content_type: str) -> dict[str, str]:
        merged = {**self._application.headers, **headers}
        if content_type:
            merged["Content-Type"] = content_type
        return merged

    async def _finish_body(self) -> bool:
        """Take what is left of the request's body; False when that takes too long.

        A connection that is closed with bytes unread breaks the client's write, and many clients
        then tell of a broken pipe instead of the response.
        """
        if self._framing.continue_expected:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                async for _ in self.body_chunks():
                    pass
                return True
        return False

    async def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._framing.response_begun:
            return
        with suppress(ConnectionError, h11.LocalProtocolError):
            status = error.error_status_hint
            body = f"{status} {error}\n".encode()
            headers = {
                "Content-Type": "text/plain; charset=utf-8",
                "Connection": "close",
                "Content-Length": str(len(body)),
            }
            head = self._framing.head(status, headers)
            await self._wire.send(head + self._framing.data(body) + self._framing.end())


class _Closable(Protocol):
    """What `aclosing` needs; every generator has it."""

    def aclose(self) -> Awaitable[None]: ...


class _Body:
    """A request's body, still in the connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        return self._connection.body_chunks()

    async def read(self, limit: int) -> bytes:
        """Return the whole body; `BodyTooLargeError` when it has more than `limit` bytes."""
        body = bytearray()
        async for piece in self._connection.body_chunks():
            body += piece
            if len(body) > limit:
                raise BodyTooLargeError(f"request body too large: more than {limit} bytes")
        return bytes(body)
