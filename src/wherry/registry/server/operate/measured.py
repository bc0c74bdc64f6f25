"""Storage, caches and uploads, counted on their way by what wraps them and changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from aiohttp import web

from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import (
    Arriving,
    BlobDriver,
    Key,
    ObjectInfo,
    Source,
    StorageUnavailableError,
)
from wherry.registry.server.backend import Blob, KeepingBackend
from wherry.registry.server.cache.backend import CachingBackend
from wherry.registry.server.cache.routes import Routes
from wherry.registry.server.http.exchange import Exchange, Site
from wherry.registry.server.operate.metrics import Metrics
from wherry.registry.server.settings import Cache

_RECEIVING = frozenset({"POST", "PATCH", "PUT"})


class MeasuredDriver:
    """A blob driver whose failures are counted."""

    def __init__(self, driver: BlobDriver, metrics: Metrics) -> None:
        self._driver = driver
        self._metrics = metrics

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except StorageUnavailableError:
            self._metrics.failed("storage")
            raise

    def write(self, key: Key, pieces: Iterable[bytes]) -> int:
        """Write an object."""
        with self._counted():
            return self._driver.write(key, pieces)

    def compose(self, key: Key, parts: Sequence[Key]) -> int:
        """Write an object out of others."""
        with self._counted():
            return self._driver.compose(key, parts)

    def size(self, key: Key) -> int:
        """Return an object's size."""
        with self._counted():
            return self._driver.size(key)

    def read(self, key: Key, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield bytes."""
        with self._counted():
            yield from self._driver.read(key, start, length)

    def source(self, key: Key, *, redirect: bool = True) -> Source:
        """Return how an object is best sent."""
        return self._driver.source(key, redirect=redirect)

    def delete(self, keys: Sequence[Key]) -> None:
        """Delete objects."""
        with self._counted():
            self._driver.delete(keys)

    def walk(self) -> Iterator[ObjectInfo]:
        """Yield every object."""
        with self._counted():
            yield from self._driver.walk()

    def check(self) -> None:
        """Raise unless objects can be written now."""
        with self._counted():
            self._driver.check()


class MeasuredCaches(CachingBackend):
    """A backend with caches, whose blobs are counted as kept or as fetched."""

    def __init__(self, own: KeepingBackend, caches: Sequence[Cache], metrics: Metrics) -> None:
        super().__init__(own, caches)
        self._cached_names = Routes(caches)
        self._metrics = metrics

    async def blob(self, name: str, digest: Digest) -> Blob:
        """Return a blob, and count it when it is one of a cache's."""
        found = await super().blob(name, digest)
        if self._cached_names.find(name) is not None:
            self._metrics.cached(hit=not isinstance(found.source, Arriving))
        return found


class MeasuredSite:
    """The site of the protocol; uploads that it is receiving are counted."""

    def __init__(self, site: Site, metrics: Metrics) -> None:
        self._site = site
        self._metrics = metrics

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer as the other site does."""
        request = exchange.request
        if request.method not in _RECEIVING or "/blobs/uploads/" not in request.raw_path:
            return await self._site.answer(exchange)
        self._metrics.uploads += 1
        try:
            return await self._site.answer(exchange)
        finally:
            self._metrics.uploads -= 1
