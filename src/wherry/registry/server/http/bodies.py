"""Bodies of responses that are not in memory: files, what is read through us, what still arrives.

A body is begun before the head of its response is sent, so that what cannot be had at all becomes
an error that the client can read. What fails later breaks the connection off: a body that ends
early must not look whole. At most a few pieces of PIECE bytes are in memory for each response.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import BinaryIO, Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from wherry.base.ahead import PIECE, read_ahead
from wherry.base.crossing import in_thread
from wherry.base.errors import DataLossError
from wherry.registry.server.http.patience import Patience
from wherry.registry.server.http.ranges import Span


class BodyShortError(DataLossError):
    """What was to be sent has ended early, so its client must not take it for whole."""

    def __init__(self, wanted: int, sent: int) -> None:
        super().__init__(f"only {sent} of {wanted} bytes were there to be sent")


class Body(Protocol):
    """Bytes to send; used once."""

    async def begin(self) -> None:
        """Raise whatever keeps it from being sent, before anything is."""

    async def send(self, response: BodyResponse, request: web.BaseRequest) -> None:
        """Send it, counting in `response.sent`."""

    async def end(self) -> None:
        """Give back what `begin` has taken."""


class BodyResponse(web.StreamResponse):
    """A response with a body of `length` bytes; it is sent by `write_eof`."""

    def __init__(
        self, body: Body, length: int, stall: float, status: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(status=status, headers=headers)
        self.headers["Content-Length"] = str(length)
        self.length = length
        self.stall = stall
        self.sent = 0
        self._source = body
        self._asking: web.BaseRequest | None = None
        self._sending = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Begin the body, then send the head; raises what the body cannot be had for."""
        if self.prepared:
            return await super().prepare(request)
        self._asking = request
        await self._source.begin()
        try:
            return await super().prepare(request)
        except BaseException:
            await self._source.end()
            raise

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body; raises BodyShortError, and what the body raises."""
        if self._sending:
            return
        self._sending = True
        assert self._asking is not None
        try:
            await self._source.send(self, self._asking)
        finally:
            await self._source.end()
        if self.sent != self.length:
            raise BodyShortError(self.length, self.sent)
        await super().write_eof(data)

    async def give(self, piece: bytes, request: web.BaseRequest) -> None:
        """Send a piece, at the pace of the client."""
        async with Patience(request.transport, self.stall):
            await self.write(piece)
        self.sent += len(piece)


class FileBody:
    """A part of a file, which the kernel sends where there is no encryption."""

    def __init__(self, open_file: Callable[[], BinaryIO], span: Span) -> None:
        self._open = open_file
        self._span = span
        self._file: BinaryIO | None = None

    async def begin(self) -> None:
        """Open the file."""
        self._file = await in_thread(self._open)

    async def send(self, response: BodyResponse, request: web.BaseRequest) -> None:
        """Send it by sendfile, or in pieces."""
        assert self._file is not None
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has closed the connection")
        if transport.get_extra_info("sslcontext") is None:
            try:
                await self._send_by_kernel(self._file, response, transport)
            except asyncio.SendfileNotAvailableError:
                pass
            else:
                return
        await send_pieces(read_ahead(_file_pieces(self._file, self._span)), response, request)

    async def _send_by_kernel(
        self, file: BinaryIO, response: BodyResponse, transport: asyncio.Transport
    ) -> None:
        start, length = self._span.start, self._span.length
        loop = asyncio.get_running_loop()
        try:
            async with Patience(transport, response.stall):
                response.sent = await loop.sendfile(transport, file, start, length, fallback=False)
        except asyncio.SendfileNotAvailableError:
            raise
        except BaseException:
            # The position tells how far it came.
            response.sent = max(0, os.lseek(file.fileno(), 0, io.SEEK_CUR) - start)
            raise

    async def end(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class PiecesBody:
    """What comes piece by piece; the first one is awaited before the head is sent."""

    def __init__(self, open_pieces: Callable[[], AsyncGenerator[bytes, None]]) -> None:
        self._open = open_pieces
        self._pieces: AsyncGenerator[bytes, None] | None = None
        self._first = b""

    async def begin(self) -> None:
        """Wait for the first piece."""
        self._pieces = self._open()
        try:
            self._first = await anext(self._pieces, b"")
        except BaseException:
            await self._pieces.aclose()
            raise

    async def send(self, response: BodyResponse, request: web.BaseRequest) -> None:
        """Send all of them."""
        assert self._pieces is not None
        if self._first:
            await response.give(self._first, request)
        await send_pieces(self._pieces, response, request)

    async def end(self) -> None:
        """Leave the rest."""
        if self._pieces is not None:
            await self._pieces.aclose()


async def send_pieces(
    pieces: AsyncGenerator[bytes, None], response: BodyResponse, request: web.BaseRequest
) -> None:
    """Send pieces as they come; more than the response's length is an error of their source."""
    async with aclosing(pieces):
        async for piece in pieces:
            if response.sent + len(piece) > response.length:
                raise BodyShortError(response.length, response.sent)
            await response.give(piece, request)


def _file_pieces(file: BinaryIO, span: Span) -> Iterator[bytes]:
    file.seek(span.start)
    left = span.length
    while left and (piece := file.read(min(left, PIECE))):
        left -= len(piece)
        yield piece


def read_file(open_file: Callable[[], BinaryIO], span: Span) -> bytes:
    """Return a part of a file; blocks. Raises BodyShortError."""
    with open_file() as file:
        file.seek(span.start)
        data = file.read(span.length)
    if len(data) != span.length:
        raise BodyShortError(span.length, len(data))
    return data
