"""Requests and their bodies.

A client that waits for `100 Continue` gets it when somebody first looks at the body, and so never
sends one to whom it is refused beforehand. A body arrives as it was sent: no encoding is undone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from aiohttp import StreamReader, web

from wherry.base.errors import CancelledError, InvalidError
from wherry.registry.server.backend import TooLargeError
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.patience import Patience

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientGoneError(CancelledError):
    """The client has closed the connection before its request was answered."""

    def __init__(self) -> None:
        super().__init__("the client has closed the connection")


class BodyError(InvalidError):
    """The body of a request is not framed as HTTP has it."""


class LengthError(InvalidError):
    """SIZE_INVALID: a body has another length than was announced."""

    def __init__(self, wanted: int, found: int) -> None:
        super().__init__(f"{wanted} bytes were announced, {found} came")


class Request(web.BaseRequest):
    """A request whose body is asked for when it is wanted."""

    _asked = False

    @property
    def content(self) -> StreamReader:
        """The body; from now on the client may send it."""
        if not self._asked:
            self._asked = True
            if self.awaits_continue and self.transport is not None:
                self.transport.write(_CONTINUE)
        return super().content

    @property
    def awaits_continue(self) -> bool:
        """Tell whether the client wants to be asked for the body."""
        expected = self.headers.get("Expect")
        return expected is not None and expected.lower() == "100-continue"

    @property
    def body_is_withheld(self) -> bool:
        """Tell whether the client has a body that nobody has asked for."""
        return not self._asked and self.awaits_continue


def announced_length(request: web.BaseRequest) -> int | None:
    """Return the Content-Length of a request, 0 when it has no body, None when that is open."""
    if "Transfer-Encoding" in request.headers:
        return None
    return request.content_length or 0


async def body_chunks(
    exchange: Exchange, stall: float, wanted: int | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield the body as it arrives; `wanted` is its length where that was said otherwise.

    Raises ClientGoneError, StalledError, BodyError, LengthError.
    """
    request = exchange.request
    content = request.content
    received = 0
    try:
        while not content.at_eof():
            chunk = content.read_nowait()
            if not chunk:
                async with Patience(request.transport, stall):
                    chunk = await content.readany()
            if not chunk:
                continue
            received += len(chunk)
            exchange.received += len(chunk)
            if wanted is not None and received > wanted:
                raise LengthError(wanted, received)
            yield chunk
    except web.RequestPayloadError as error:
        raise BodyError(f"the body of the request cannot be read: {error}") from None
    except OSError:
        raise ClientGoneError from None
    if wanted is not None and received != wanted:
        raise LengthError(wanted, received)


async def read_body(exchange: Exchange, stall: float, limit: int) -> bytes:
    """Return a whole body of at most `limit` bytes, 0 for any; raises as `body_chunks`,
    TooLargeError."""
    announced = announced_length(exchange.request)
    if limit and announced is not None and announced > limit:
        raise TooLargeError(f"the body may have {limit} bytes, not {announced}")
    parts: list[bytes] = []
    size = 0
    async for chunk in body_chunks(exchange, stall):
        size += len(chunk)
        if limit and size > limit:
            raise TooLargeError(f"the body may have {limit} bytes, and has more")
        parts.append(chunk)
    return b"".join(parts)
