"""Blobs on their way into the engine.

An upload is a nameless partial blob of the content store and an id, both of which live as long as
the engine at most: after a kill the file is removed at the next start, and the client begins anew.
One that is left alone for an hour ends. Bytes are hashed while they are written. Lives on the event
loop; files are written in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final

from wherry.base.crossing import begin_in_thread, to_the_end
from wherry.base.errors import UnavailableError
from wherry.base.values import dataclass
from wherry.engine.registry.received import Received
from wherry.oci.digest import Digest
from wherry.registry.server.backend import (
    DigestMismatchError,
    UploadRangeError,
    UploadUnknownError,
)
from wherry.store.content.writer import BlobMismatchError, BlobWriter
from wherry.store.store import Store

IDLE_SECONDS: Final = 3600.0
_MOST: Final = 1000
_PIECE: Final = 1 << 20


class TooManyUploadsError(UnavailableError):
    """So many uploads are open that a further one would take the engine's descriptors."""

    def __init__(self) -> None:
        super().__init__(f"{_MOST} uploads are open: finish or cancel some of them")


@dataclass(slots=True)
class _Upload:
    """`writer` is None before the first byte; `busy`: a request is writing to it."""

    name: str
    timer: asyncio.TimerHandle
    writer: BlobWriter | None = None
    busy: bool = False
    broken: bool = False

    @property
    def size(self) -> int:
        return self.writer.offset if self.writer else 0

    def close(self) -> None:
        """Remove the file, unless it is a blob by now; blocking."""
        if self.writer is not None:
            self.writer.__exit__(None, None, None)


class Uploads:
    """Begins, continues and ends uploads; raises as the methods of `Backend` do."""

    def __init__(self, store: Store, received: Received, seconds: float = IDLE_SECONDS) -> None:
        self._store = store
        self._received = received
        self._seconds = seconds
        self._open: dict[str, _Upload] = {}

    def begin(self, name: str) -> str:
        """Begin an upload; its id cannot be guessed."""
        if len(self._open) >= _MOST:
            raise TooManyUploadsError
        upload = secrets.token_hex(16)
        self._open[upload] = _Upload(name, self._timer(upload))
        return upload

    def size(self, name: str, upload: str) -> int:
        """Return how many bytes an upload has."""
        return self._find(name, upload).size

    async def write(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        """Add bytes; what had been written when the client broke off stays."""
        async with self._taken(name, upload, start) as found:
            await self._append(found, chunks)
            return found.size

    async def finish(
        self,
        name: str,
        upload: str,
        digest: Digest,
        start: int | None,
        chunks: AsyncIterator[bytes],
    ) -> int:
        """Add the last bytes, verify all, and let the repository have the blob."""
        async with self._taken(name, upload, start) as found:
            await self._append(found, chunks)
            # Before the blob has its name, or it could be collected at once.
            await self._received.hold(name, digest)
            found.broken = True  # whatever comes of it, it is over
            await to_the_end(self._commit, found, digest)
            return found.size

    async def cancel(self, name: str, upload: str) -> None:
        """Forget an upload."""
        async with self._taken(name, upload, None) as found:
            found.broken = True

    def close(self) -> None:
        """Forget all of them; nobody may be writing any more. Blocking."""
        for found in self._open.values():
            found.timer.cancel()
            found.close()
        self._open.clear()

    def _find(self, name: str, upload: str) -> _Upload:
        found = self._open.get(upload)
        if found is None or found.name != name:
            raise UploadUnknownError(upload)
        return found

    @contextlib.asynccontextmanager
    async def _taken(self, name: str, upload: str, start: int | None) -> AsyncIterator[_Upload]:
        """Have an upload for oneself; who comes meanwhile is told where it stands."""
        found = self._find(name, upload)
        if found.busy or (start is not None and start != found.size):
            raise UploadRangeError(found.size)
        found.busy = True
        found.timer.cancel()
        try:
            yield found
        finally:
            found.busy = False
            found.timer = self._timer(upload)
            if found.broken:
                self._forget(upload)
                await to_the_end(found.close)

    def _timer(self, upload: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._expire, upload)

    def _expire(self, upload: str) -> None:
        begin_in_thread(self._forget(upload).close)

    def _forget(self, upload: str) -> _Upload:
        found = self._open.pop(upload)
        found.timer.cancel()
        return found

    async def _append(self, found: _Upload, chunks: AsyncIterator[bytes]) -> None:
        """Write what comes, in pieces: no thread of the engine's few waits for a slow client."""
        waiting: list[bytes] = []
        size = 0
        try:
            async for chunk in chunks:
                waiting.append(chunk)
                size += len(chunk)
                if size >= _PIECE:
                    piece, waiting, size = waiting, [], 0
                    await to_the_end(self._write, found, piece)
        finally:
            if waiting and not found.broken:
                await to_the_end(self._write, found, waiting)

    def _write(self, found: _Upload, chunks: Sequence[bytes]) -> None:
        try:
            found.writer = found.writer or self._store.content.writer()
            for chunk in chunks:
                found.writer.write(chunk)
        except BaseException:
            found.broken = True  # how much of it is in the file, nobody knows
            raise

    def _commit(self, found: _Upload, digest: Digest) -> None:
        writer = found.writer = found.writer or self._store.content.writer()
        writer.expect(digest)
        try:
            writer.commit()
        except BlobMismatchError:
            raise DigestMismatchError(digest, writer.digest) from None
