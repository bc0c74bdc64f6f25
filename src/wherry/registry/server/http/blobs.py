"""Blobs: GET, HEAD and DELETE, with ranges.

Where a client can read from the object store itself it is sent there, HEAD is always answered here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from aiohttp import hdrs, web

from wherry.base.ahead import read_ahead
from wherry.base.crossing import in_thread
from wherry.registry.blobdrivers.driver import Arriving, LocalFile, Redirect, Streamed
from wherry.registry.protocol import DIGEST_HEADER, OCTETS
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.backend import Backend, Blob
from wherry.registry.server.http.bodies import (
    BodyResponse,
    FileBody,
    PiecesBody,
    read_file,
)
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.conditions import etag, range_counts, unchanged
from wherry.registry.server.http.ranges import Span, read_range
from wherry.registry.server.settings import Limits

# Up to here one trip to a thread brings open file and bytes, and head and body leave as one.
_SMALL = 128 << 10
_FOR_EVER = "max-age=31536000, immutable"


class Blobs:
    """Answers `/v2/<name>/blobs/<digest>`."""

    def __init__(self, backend: Backend, guard: Guard, limits: Limits) -> None:
        self._backend = backend
        self._guard = guard
        self._limits = limits

    async def get(self, call: Call) -> web.StreamResponse:
        """GET and HEAD."""
        call.require(self._guard, "pull")
        request = call.request
        blob = await self._backend.blob(call.name, call.digest())
        headers = {
            DIGEST_HEADER: blob.digest,
            hdrs.ETAG: etag(blob.digest),
            hdrs.CACHE_CONTROL: _FOR_EVER,
            hdrs.ACCEPT_RANGES: "none" if isinstance(blob.source, Arriving) else "bytes",
        }
        if unchanged(request, blob.digest):
            return web.Response(status=304, headers=headers)
        if request.method == "GET" and isinstance(blob.source, Redirect):
            return _redirect(blob, blob.source)
        status, span = 200, Span(0, blob.size)
        wanted = _range(call, blob)
        if wanted is not None:
            status, span = 206, wanted
            headers[hdrs.CONTENT_RANGE] = span.header(blob.size)
        headers[hdrs.CONTENT_TYPE] = OCTETS
        if request.method == "HEAD":
            headers[hdrs.CONTENT_LENGTH] = str(span.length)
            return web.Response(status=status, headers=headers)
        return await self._response(blob, span, status, headers)

    async def delete(self, call: Call) -> web.Response:
        """DELETE."""
        call.require(self._guard, "delete", done="delete")
        await self._backend.delete_blob(call.name, call.digest(), call.by)
        return web.Response(status=202)

    async def _response(
        self, blob: Blob, span: Span, status: int, headers: dict[str, str]
    ) -> web.StreamResponse:
        source = blob.source
        if span.length == 0:
            return web.Response(status=status, body=b"", headers=headers)
        body: FileBody | PiecesBody
        match source:
            case LocalFile() if span.length <= _SMALL:
                data = await in_thread(read_file, source.open, span)
                return web.Response(status=status, body=data, headers=headers)
            case LocalFile():
                body = FileBody(source.open, span)
            case Arriving():
                body = PiecesBody(source.open)
            case Streamed():
                body = PiecesBody(_reading(source, span))
            case Redirect():
                return _redirect(blob, source)
        return BodyResponse(body, span.length, self._limits.stall, status, headers)


def _range(call: Call, blob: Blob) -> Span | None:
    request = call.request
    header = request.headers.get(hdrs.RANGE)
    if header is None or request.method != "GET" or isinstance(blob.source, Arriving):
        return None
    return read_range(header, blob.size) if range_counts(request, blob.digest) else None


def _reading(source: Streamed, span: Span) -> Callable[[], AsyncGenerator[bytes, None]]:
    return lambda: read_ahead(source.read(span.start, span.length))


def _redirect(blob: Blob, source: Redirect) -> web.Response:
    """Send the client to the object store; it asks there for the same range."""
    headers = {hdrs.LOCATION: source.url, DIGEST_HEADER: blob.digest}
    return web.Response(status=307, headers=headers)
