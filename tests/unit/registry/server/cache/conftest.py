"""A cache of a scripted upstream, kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio

from fixtures.kept import MemoryBackend
from fixtures.upstream import NAME, Upstream, running_upstream
from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import Arriving, Streamed
from wherry.registry.client.settings import Limits
from wherry.registry.server.cache.backend import CachingBackend
from wherry.registry.server.settings import Cache

HERE = f"hub/{NAME}"
REFRESH = 100.0


@dataclass
class Case:
    """The upstream, what is kept, and the backend between; `now` is its clock."""

    upstream: Upstream
    own: MemoryBackend
    backend: CachingBackend = field(init=False)
    now: float = 1000.0

    def __post_init__(self) -> None:
        caches = (Cache("hub", self.upstream.url, refresh=REFRESH),)
        limits = Limits(connect=5, stall=5, reply=5, pauses=())
        self.backend = CachingBackend(self.own, caches, lambda: self.now, limits)

    async def tag(self, tag: str) -> Digest:
        """Return where a tag of the cached repository leads."""
        return (await self.backend.manifest(HERE, tag)).digest

    async def read(self, digest: Digest) -> bytes:
        """Return a blob as the HTTP side reads it."""
        blob = await self.backend.blob(HERE, digest)
        if isinstance(blob.source, Streamed):
            return b"".join(blob.source.read(0, blob.size))
        assert isinstance(blob.source, Arriving)
        return b"".join([piece async for piece in blob.source.open()])


@pytest_asyncio.fixture
async def case() -> AsyncIterator[Case]:
    async with running_upstream() as upstream:
        made = Case(upstream, MemoryBackend())
        try:
            yield made
        finally:
            upstream.go.set()
            await made.backend.close()
