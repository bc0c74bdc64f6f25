"""Uploads of blobs: in one request, in two, in chunks, and mounts from other repositories.

Locations are paths without a host: every client resolves them, and they are right whatever stands
between. Rights, sizes and ranges are looked at before a client is asked for the bytes.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from aiohttp import hdrs, web

from wherry.base.errors import WherryError
from wherry.oci.digest import Digest, InvalidDigestError, algorithm_of, digest_bytes, parse_digest
from wherry.registry.protocol import DIGEST_HEADER, UPLOAD_HEADER, blob_route, upload_route
from wherry.registry.server.access.guard import Guard, OpenGuard, TooManyRequestsError
from wherry.registry.server.backend import (
    Backend,
    RepositoryNameError,
    TooLargeError,
    UploadRangeError,
    UploadUnknownError,
    check_name,
)
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.ranges import Span, read_chunk_range, upload_range
from wherry.registry.server.http.receive import LengthError, announced_length, body_chunks
from wherry.registry.server.settings import Limits

CHUNK_BYTES = 1 << 20  # each chunk is an object of its own until the end
_ID = re.compile(r"[A-Za-z0-9_.=-]{1,128}")
_RETRY_SECONDS = 1.0


class Uploads:
    """Answers `/v2/<name>/blobs/uploads/` and what is below it."""

    def __init__(self, backend: Backend, guard: Guard, limits: Limits) -> None:
        self._backend = backend
        self._guard = guard
        self._limits = limits
        self._turns = _Turns(limits.concurrent_uploads)

    async def start(self, call: Call) -> web.Response:
        """POST: begin an upload, or mount a blob, or take it at once."""
        call.require(self._guard, "push")
        query = call.query
        if algorithm := query.first("digest-algorithm"):
            _check_algorithm(algorithm)
        if query.has("mount"):
            digest = parse_digest(query.first("mount"))
            if await self._mount(call, digest):
                call.exchange.digest = digest
                call.exchange.action = "mount"
                return _created(call.name, digest)
        elif query.has("digest"):
            digest = parse_digest(query.first("digest"))
            # Without a body, whoever says the digest already now means to send it later.
            if announced_length(call.request) != 0 or digest == _nothing(digest):
                return await self._at_once(call, digest)
        upload = await self._backend.begin_upload(call.name)
        call.exchange.reference = upload
        headers = {"OCI-Chunk-Min-Length": str(CHUNK_BYTES)}
        return web.Response(status=202, headers={**_progress(call.name, upload, 0), **headers})

    async def status(self, call: Call) -> web.Response:
        """GET and HEAD: how far it is."""
        call.require(self._guard, "push")
        upload = _upload(call)
        size = await self._backend.upload_size(call.name, upload)
        return web.Response(status=204, headers=_progress(call.name, upload, size))

    async def add(self, call: Call) -> web.Response:
        """PATCH: the next bytes, as a chunk that says its range, or as a stream that ends it."""
        call.require(self._guard, "push")
        upload = _upload(call)
        span = await self._chunk(call, upload)
        with self._turns.taken(call):
            size = await self._backend.write_upload(
                call.name, upload, span.start if span else None, self._chunks(call, span)
            )
        return web.Response(status=202, headers=_progress(call.name, upload, size))

    async def finish(self, call: Call) -> web.Response:
        """PUT: the digest, and the last bytes if there are any left."""
        call.require(self._guard, "push", done="upload")
        upload = _upload(call)
        digest = parse_digest(call.query.first("digest"))
        call.exchange.digest = digest
        span = await self._chunk(call, upload)
        with self._turns.taken(call):
            await self._backend.finish_upload(
                call.name, upload, digest, span.start if span else None, self._chunks(call, span)
            )
        return _created(call.name, digest)

    async def cancel(self, call: Call) -> web.Response:
        """DELETE."""
        call.require(self._guard, "push")
        await self._backend.cancel_upload(call.name, _upload(call))
        return web.Response(status=204)

    async def _mount(self, call: Call, digest: Digest) -> bool:
        """Mount from a repository that the caller may pull from.

        One that he does not name can be any, so without rules only; whoever may not see a blob
        must not get it by its digest.
        """
        source = call.query.first("from")
        if not source:
            # Not what derives from it: that may well have rules.
            anyone = type(self._guard) is OpenGuard
            return anyone and await self._backend.mount(call.name, digest, None)
        try:
            check_name(source)
        except RepositoryNameError:
            return False
        allowed = self._guard.may(call.exchange.caller, source, "pull")
        return allowed and await self._backend.mount(call.name, digest, source)

    async def _at_once(self, call: Call, digest: Digest) -> web.Response:
        call.exchange.digest = digest
        call.exchange.action = "upload"
        self._check_size(call)
        with self._turns.taken(call):
            upload = await self._backend.begin_upload(call.name)
            try:
                await self._backend.finish_upload(
                    call.name, upload, digest, None, self._chunks(call, None)
                )
            except BaseException:
                # Nobody knows its id, so nobody will go on with it.
                with contextlib.suppress(WherryError):
                    await self._backend.cancel_upload(call.name, upload)
                raise
        return _created(call.name, digest)

    async def _chunk(self, call: Call, upload: str) -> Span | None:
        """Return the range that a chunk announces, None when it does not.

        Raises ChunkRangeError, LengthError, UploadRangeError, UploadUnknownError, TooLargeError.
        """
        self._check_size(call)
        header = call.request.headers.get(hdrs.CONTENT_RANGE)
        length = announced_length(call.request)
        if header is None or length == 0:
            return None
        span = read_chunk_range(header)
        if span is not None and length is not None and length != span.length:
            raise LengthError(span.length, length)
        size = await self._backend.upload_size(call.name, upload)
        if span is None or span.start != size:
            raise UploadRangeError(size)
        return span

    def _check_size(self, call: Call) -> None:
        limit = self._limits.blob_bytes
        length = announced_length(call.request)
        if limit and length is not None and length > limit:
            raise TooLargeError(f"a blob may have {limit} bytes, not {length}")

    def _chunks(self, call: Call, span: Span | None) -> AsyncIterator[bytes]:
        wanted = span.length if span else None
        if announced_length(call.request) == 0:
            return _no_chunks()
        return body_chunks(call.exchange, self._limits.stall, wanted)


class _Turns:
    """How many uploads one account, or one address, has under way in this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def taken(self, call: Call) -> Iterator[None]:
        """Take a turn; raises TooManyRequestsError."""
        caller = call.exchange.caller
        key = caller.name or caller.address
        if self._limit and self._taken[key] >= self._limit:
            raise TooManyRequestsError(
                f"{self._limit} uploads are under way: wait for some to end", _RETRY_SECONDS
            )
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]


async def _no_chunks() -> AsyncGenerator[bytes, None]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


def _upload(call: Call) -> str:
    """Return the id of an upload; what cannot be one is none that is there."""
    if not _ID.fullmatch(call.reference):
        raise UploadUnknownError(call.reference)
    call.exchange.reference = call.reference
    return call.reference


def _check_algorithm(name: str) -> None:
    if name not in ("sha256", "sha384", "sha512"):
        raise InvalidDigestError(f"{name}:")


def _nothing(digest: Digest) -> Digest:
    return digest_bytes(b"", algorithm_of(digest))


def _progress(name: str, upload: str, size: int) -> dict[str, str]:
    return {
        hdrs.LOCATION: upload_route(name, upload),
        hdrs.RANGE: upload_range(size),
        UPLOAD_HEADER: upload,
    }


def _created(name: str, digest: Digest) -> web.Response:
    headers = {hdrs.LOCATION: blob_route(name, digest), DIGEST_HEADER: digest}
    return web.Response(status=201, headers=headers)
