"""Uploads of a registry that keeps images.

Each request that brings bytes makes one object. Its key is promised to the catalog before, and
claimed after it was written, in the transaction that says how far the upload is; so two requests
that race for one upload write two objects, of which one counts and the other is garbage. At the end
the only object becomes the blob as it is, and several are put together into a new one. Nothing is
kept in memory but hashes, which are only a help: any process can go on with any upload.

What is killed half-way leaves promised objects, which collection deletes when they are due.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.oci.digest import Digest, algorithm_of
from wherry.registry.blobdrivers.driver import (
    BlobDriver,
    Key,
    ObjectNotFoundError,
    new_key,
)
from wherry.registry.server.backend import (
    DigestMismatchError,
    TooLargeError,
    UploadRangeError,
    UploadUnknownError,
)
from wherry.registry.server.catalog.catalog import Catalog, Segment, Upload
from wherry.registry.server.hosted.hashes import Hashes
from wherry.registry.server.hosted.receive import Arrival, Hash, new_hash


@dataclass(frozen=True, slots=True)
class UploadBounds:
    """`blob_bytes`: of one blob, 0 for no limit. `keep`: of what is unfinished, in seconds."""

    blob_bytes: int
    keep: float


@dataclass(frozen=True, slots=True)
class _Whole:
    """All bytes of an upload in one object, and their hash where it is known.

    `own`: the object is the upload's already, so what ends the upload also disposes of it.
    """

    segment: Segment
    running: Hash | None
    own: bool = False


class Uploads:
    """Begins, continues and ends uploads; raises as the methods of `Backend` do."""

    def __init__(
        self, catalog: Catalog, driver: BlobDriver, bounds: UploadBounds, clock: Callable[[], float]
    ) -> None:
        self._catalog = catalog
        self._driver = driver
        self._bounds = bounds
        self._clock = clock
        self._hashes = Hashes()

    async def begin(self, name: str) -> str:
        """Begin an upload; its id cannot be guessed."""
        upload = secrets.token_hex(16)
        await self._catalog.begin_upload(upload, name, self._clock())
        return upload

    async def size(self, name: str, upload: str) -> int:
        """Return how many bytes it has."""
        return (await self._catalog.upload(name, upload)).size

    async def write(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        """Add bytes; what had arrived when the client broke off is kept."""
        known = await self._at(name, upload, start)
        arrival = self._arrival(known, chunks)
        if await arrival.begin():
            known = await self._append(known, arrival)
        if arrival.error is not None:
            raise arrival.error
        return known.size

    async def finish(
        self,
        name: str,
        upload: str,
        digest: Digest,
        start: int | None,
        chunks: AsyncIterator[bytes],
    ) -> int:
        """Add the last bytes, verify all, and let the repository have the blob."""
        known = await self._at(name, upload, start)
        algorithm = algorithm_of(digest)
        try:
            whole = await self._whole(known, self._arrival(known, chunks), algorithm)
            found = await self._digest(whole, algorithm)
        except ObjectNotFoundError:
            # Somebody else has just ended the upload, and collection was fast.
            raise UploadUnknownError(upload) from None
        if found != digest:
            await self._give_up(known, whole)
            raise DigestMismatchError(digest, found)
        try:
            await self._catalog.finish_upload(upload, name, digest, whole.segment, self._clock())
        except UploadUnknownError:
            if not whole.own:
                await self._discard(whole.segment.key)
            raise
        self._hashes.drop(upload)
        return whole.segment.size

    async def cancel(self, name: str, upload: str) -> None:
        """Forget an upload."""
        await self._catalog.cancel_upload(name, upload, self._clock())
        self._hashes.drop(upload)

    async def _at(self, name: str, upload: str, start: int | None) -> Upload:
        known = await self._catalog.upload(name, upload)
        if start is not None and start != known.size:
            raise UploadRangeError(known.size)
        return known

    def _arrival(self, upload: Upload, chunks: AsyncIterator[bytes]) -> Arrival:
        limit = self._bounds.blob_bytes
        return Arrival(chunks, max(0, limit - upload.size) if limit else None)

    async def _append(self, upload: Upload, arrival: Arrival) -> Upload:
        running = self._hashes.at(upload.id, upload.size)
        segment = await self._store(arrival, running)
        return await self._claim(upload, segment, running)

    async def _claim(self, upload: Upload, segment: Segment, running: Hash | None) -> Upload:
        """Make an object the next piece of an upload; the upload as it is then."""
        try:
            await self._catalog.add_segment(upload.id, upload.size, segment, self._clock())
        except (UploadUnknownError, UploadRangeError):
            await self._discard(segment.key)
            raise
        longer = Upload(upload.id, upload.repository, (*upload.segments, segment))
        self._hashes.put(upload.id, longer.size, running)
        return longer

    async def _store(self, arrival: Arrival, running: Hash | None) -> Segment:
        key = await self._promised()
        try:
            return Segment(key, await arrival.write(self._driver, key, running))
        except TooLargeError:
            await self._discard(key)
            raise

    async def _promised(self) -> Key:
        key = new_key()
        await self._catalog.promise(key, self._clock() + self._bounds.keep)
        return key

    async def _whole(self, upload: Upload, arrival: Arrival, algorithm: str) -> _Whole:
        came = await arrival.begin()
        if arrival.error is not None and not came:
            raise arrival.error
        if not upload.segments:
            return await self._only(upload, arrival, algorithm)
        if came:
            upload = await self._append(upload, arrival)
        if arrival.error is not None:
            raise arrival.error
        running = self._hashes.at(upload.id, upload.size)
        if len(upload.segments) == 1:
            return _Whole(upload.segments[0], running, own=True)
        key = await self._promised()
        parts = [segment.key for segment in upload.segments]
        size = await to_the_end(self._driver.compose, key, parts)
        return _Whole(Segment(key, size), running if size == upload.size else None)

    async def _only(self, upload: Upload, arrival: Arrival, algorithm: str) -> _Whole:
        """Store a blob that comes in one piece, as nearly all do; it may be empty."""
        running = new_hash(algorithm)
        segment = await self._store(arrival, running)
        if arrival.error is not None:
            await self._claim(upload, segment, running if running.name == "sha256" else None)
            raise arrival.error
        return _Whole(segment, running)

    async def _digest(self, whole: _Whole, algorithm: str) -> Digest:
        running = whole.running
        if running is None or running.name != algorithm:
            running = await in_thread(_hash_of, self._driver, whole.segment.key, algorithm)
        return Digest(f"{algorithm}:{running.hexdigest()}")

    async def _give_up(self, upload: Upload, whole: _Whole) -> None:
        with contextlib.suppress(UploadUnknownError):
            await self.cancel(upload.repository, upload.id)
        if not whole.own:
            await self._discard(whole.segment.key)

    async def _discard(self, key: Key) -> None:
        """Delete an object that will never be claimed now rather than when its promise is due."""
        with contextlib.suppress(WherryError):
            await in_thread(self._driver.delete, [key])
            await self._catalog.buried([key])


def _hash_of(driver: BlobDriver, key: Key, algorithm: str) -> Hash:
    running = new_hash(algorithm)
    for piece in driver.read(key):
        running.update(piece)
    return running
