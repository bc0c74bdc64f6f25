"""Fetching a manifest, and streaming a blob that goes on where a broken connection left it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

import msgspec

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.oci.digest import Digest, InvalidDigestError, algorithm_of, digest_bytes, parse_digest
from wherry.oci.image import INDEX_TYPES, MANIFEST_TYPES, Descriptor
from wherry.oci.reading import read
from wherry.registry import protocol
from wherry.registry.client.call import Call, Response
from wherry.registry.client.errors import (
    BrokenConnectionError,
    ManifestMismatchError,
    SizeMismatchError,
    UnexpectedStatusError,
    UnknownBlobError,
    UnreachableError,
)
from wherry.registry.client.remote import Remote

log = logging.getLogger(__name__)

MAX_MANIFEST = 4 << 20
PASSING = (BrokenConnectionError, UnreachableError, UnexpectedStatusError)
_PROGRESS = 1 << 20  # an attempt that brought this much does not count as failed
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")

Sink = Callable[[bytes], Awaitable[object]]


class AmbiguousManifestError(InvalidError):
    """A manifest says that it is of another type than the registry says."""


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest or index: its exact bytes, verified to have `digest`."""

    media_type: str
    digest: Digest
    body: bytes


class _Typed(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""


async def fetch_manifest(remote: Remote, name: str, wanted: str) -> FetchedManifest:
    """Fetch by tag or digest; raises the registry's refusal, ManifestMismatchError."""
    url = remote.url(protocol.manifest_route(name, wanted))
    call = Call(method="GET", url=url, headers={"Accept": protocol.MANIFEST_ACCEPT})
    async with await remote.send(call) as response:
        await response.raise_refusal()
        body = await response.read(MAX_MANIFEST)
    digest = _verified(body, wanted, response.header(protocol.DIGEST_HEADER))
    return FetchedManifest(_media_type(response.header("Content-Type"), body), digest, body)


def _verified(body: bytes, wanted: str, told: str) -> Digest:
    """Return the digest of the body; what was asked for by digest, and what the server says."""
    expected = _digest(wanted) or _digest(told)
    if expected is None:
        return digest_bytes(body)
    if digest_bytes(body, algorithm_of(expected)) != expected:
        raise ManifestMismatchError(expected)
    return expected


def _digest(text: str) -> Digest | None:
    try:
        return parse_digest(text)
    except InvalidDigestError:
        return None


def _media_type(header: str, body: bytes) -> str:
    """Return the type; the body's own where the server does not know it.

    Bytes that are a manifest to one reader and an index to another would let two engines run
    different images by one digest, so the two must not contradict each other.
    """
    told = header.partition(";")[0].strip().lower()
    try:
        own = read(body, _Typed).media_type
    except msgspec.MsgspecError:
        own = ""
    if told in protocol.GENERIC_TYPES:
        return own or told
    if told in INDEX_TYPES | MANIFEST_TYPES and own not in ("", told):
        raise AmbiguousManifestError(f"mediaType in manifest should be '{told}' not '{own[:160]}'")
    return told


class Download:
    """One blob on its way into a sink; `position` is how much of it the sink has."""

    def __init__(self, descriptor: Descriptor, sink: Sink, offset: int) -> None:
        if not 0 <= offset <= descriptor.size:
            raise InvalidError(f"{descriptor.digest} has {descriptor.size} bytes, not {offset}")
        self._descriptor = descriptor
        self._sink = sink
        self._start = offset
        self.position = offset
        self._by_range = True
        self._in_sink = False

    @property
    def is_final(self) -> bool:
        """Tell whether a failure is the sink's own, which no other source can mend."""
        return self._in_sink

    async def run(self, remote: Remote, name: str) -> None:
        """Fetch what is missing; raises SizeMismatchError, UnknownBlobError, and refusals."""
        failures = 0
        while self.position < self._descriptor.size:
            before = self.position
            try:
                await self._attempt(remote, name)
            except PASSING as error:
                failures = 0 if self.position - before >= _PROGRESS else failures
                pauses = remote.limits.before_downloads
                if failures >= len(pauses):
                    raise
                log.info("%s at %d: %s", self._descriptor.digest, self.position, error)
                await asyncio.sleep(pauses[failures])
                failures += 1

    async def _attempt(self, remote: Remote, name: str) -> None:
        url = remote.url(protocol.blob_route(name, self._descriptor.digest))
        ranged = self._by_range and self.position > 0
        headers = {"Range": f"bytes={self.position}-"} if ranged else {}
        call = Call(method="GET", url=url, headers=headers, bulk=True)
        async with await remote.send(call) as response:
            if response.status == 416 and ranged:
                self._by_range = False  # go over it from the start, once
                return
            if response.status == 404:
                raise UnknownBlobError(self._descriptor.digest)
            await response.raise_refusal()
            await self._stream(response, self._skipped(response))

    def _skipped(self, response: Response) -> int:
        """Return how many of the bytes that follow the sink has; checks the announced size."""
        start, total = 0, response.header("Content-Length")
        if response.status == 206:
            match = _RANGE.fullmatch(response.header("Content-Range").strip())
            if match is None or int(match[1]) > self.position:
                raise self._mismatch("comes in a range that was not asked for")
            start, total = int(match[1]), match[3]
        if total.isdecimal() and int(total[:18]) != self._descriptor.size:
            raise self._mismatch(f"has {total[:18]} bytes at the registry")
        return self.position - start

    async def _stream(self, response: Response, skip: int) -> None:
        async for chunk in response.chunks():
            fresh = chunk[skip:]
            skip = max(0, skip - len(chunk))
            room = self._descriptor.size - self.position
            if fresh:
                await self._give(fresh[:room])
            if len(fresh) > room:
                raise self._mismatch("goes on at the registry")
        if self.position < self._descriptor.size:
            raise self._mismatch(f"ends after {self.position} bytes")

    async def _give(self, chunk: bytes) -> None:
        if chunk:
            self._in_sink = True
            await self._sink(chunk)
            self._in_sink = False
            self.position += len(chunk)

    def _mismatch(self, what: str) -> SizeMismatchError:
        size = self._descriptor.size
        return SizeMismatchError(f"{self._descriptor.digest} of {size} bytes {what}")
