"""Blobs of cached repositories: kept ones are served as any, others fetched, once per process.

The first who wants a blob begins its flight; whoever wants it meanwhile is another reader of the
same flight. It goes on when its readers have left. Two processes may fetch the same blob at the
same time: both keep it, which is one blob.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator

from wherry.base.errors import WherryError
from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import Arriving
from wherry.registry.server.backend import Blob, BlobUnknownError, KeepingBackend
from wherry.registry.server.cache.flight import Flight
from wherry.registry.server.cache.place import Place
from wherry.registry.server.cache.reading import read_from
from wherry.registry.server.cache.singleflight import SingleFlight
from wherry.registry.server.cache.upstream import NotUpstreamError

log = logging.getLogger(__name__)


class Blobs:
    """Belongs to one event loop."""

    def __init__(self, own: KeepingBackend) -> None:
        self._own = own
        self._sizes: SingleFlight[int] = SingleFlight()
        self._flights: dict[tuple[str, Digest], Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Break off what is on its way."""
        await self._sizes.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def get(self, place: Place, digest: Digest) -> Blob:
        """Return a blob; raises BlobUnknownError, UnavailableError. Nothing is fetched yet."""
        kept = await self._kept(place, digest)
        if kept is not None:
            return kept
        try:
            size = await self._sizes.run(
                (place.name, digest), lambda: place.upstream.blob_size(place.path, digest)
            )
        except NotUpstreamError:
            raise BlobUnknownError(digest) from None
        return Blob(digest, size, Arriving(lambda: self._arriving(place, digest, size)))

    async def _kept(self, place: Place, digest: Digest) -> Blob | None:
        try:
            return await self._own.blob(place.name, digest)
        except BlobUnknownError:
            return None

    async def _arriving(
        self, place: Place, digest: Digest, size: int
    ) -> AsyncGenerator[bytes, None]:
        flight = self._flying(place, digest)
        if flight is None:
            # It may have landed, here or in another process, since the reader asked for it.
            kept = await self._kept(place, digest)
            if kept is not None:
                async with contextlib.aclosing(read_from(kept.source, 0, size)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            flight = self._flying(place, digest) or self._begin(place, digest, size)
        async with contextlib.aclosing(
            flight.read(lambda position: self._read_kept(place, digest, position))
        ) as pieces:
            async for piece in pieces:
                yield piece

    def _flying(self, place: Place, digest: Digest) -> Flight | None:
        flight = self._flights.get((place.name, digest))
        return None if flight is None or flight.failed else flight

    def _begin(self, place: Place, digest: Digest, size: int) -> Flight:
        flight = self._flights[place.name, digest] = Flight(digest, size)
        task = asyncio.create_task(
            flight.run(
                lambda sink: place.upstream.fetch(place.path, digest, size, sink),
                lambda chunks: self._keep(place, digest, chunks),
            )
        )
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._landed((place.name, digest), flight, done))
        return flight

    def _landed(self, key: tuple[str, Digest], flight: Flight, task: asyncio.Task[None]) -> None:
        # After a failure another may be on its way before this one has landed.
        if self._flights.get(key) is flight:
            del self._flights[key]
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("fetching %s", key[1], exc_info=error)

    async def _keep(self, place: Place, digest: Digest, chunks: AsyncIterator[bytes]) -> None:
        upload = await self._own.begin_upload(place.name)
        try:
            await self._own.finish_upload(place.name, upload, digest, None, chunks)
        except BaseException:
            with contextlib.suppress(WherryError):  # it expires all the same
                await self._own.cancel_upload(place.name, upload)
            raise

    async def _read_kept(
        self, place: Place, digest: Digest, position: int
    ) -> AsyncGenerator[bytes, None]:
        blob = await self._own.blob(place.name, digest)
        async with contextlib.aclosing(read_from(blob.source, position, blob.size)) as pieces:
            async for piece in pieces:
                yield piece
