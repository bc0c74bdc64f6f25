"""One blob on its way from an upstream: read, verified and kept at the same time.

The download sets the pace, with what keeps the blob; readers never hold it up. The last
`WINDOW` bytes stay in memory, and a reader that is within them gets bytes as they arrive. One
that came later, or is slower, waits until the blob is kept and goes on from there.

Nobody gets the last byte before the digest is right. So wrong bytes never look whole: to a reader
they break off, and what keeps the blob verifies by itself and keeps nothing.

When the blob cannot be kept, a full disk for example, the readers that are within the window get it
all the same, and it is fetched again next time; when none is left, the download ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from wherry.base.errors import InternalError, UnavailableError, WherryError
from wherry.oci.digest import Digest, algorithm_of, encoded_of
from wherry.registry.server.cache.upstream import UpstreamFaultError

log = logging.getLogger(__name__)

WINDOW = 16 << 20
_WAITING_CHUNKS = 8

Chunks = AsyncIterator[bytes]
Download = Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]]
Keep = Callable[[Chunks], Awaitable[None]]
ReadKept = Callable[[int], AsyncGenerator[bytes, None]]


class NotKeptError(UnavailableError):
    """A blob that had to be read from where it is kept could not be kept."""


class Flight:
    """Made when the first reader comes; `run` is its task, `read` is for any number of readers."""

    def __init__(self, digest: Digest, size: int) -> None:
        self.digest = digest
        self.size = size
        self._window: deque[bytes] = deque()
        self._start = 0  # of the window
        self._end = 0
        self._hash = hashlib.new(algorithm_of(digest))
        self._verified = False
        self._landed = False
        self._emptied = False  # of the queue: its end has been taken
        self._failure: WherryError | None = None  # no more bytes come
        self._not_kept: WherryError | None = None
        self._readers = 0
        self._news = asyncio.Event()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_CHUNKS)

    @property
    def failed(self) -> bool:
        """Whether its readers get no whole blob any more; it has still to land."""
        return self._failure is not None

    async def run(self, download: Download, keep: Keep) -> None:
        """Fetch and keep; what goes wrong is told to the readers."""
        keeping = asyncio.create_task(self._keep(keep))
        try:
            await download(self._take)
            self._verify()
        except WherryError as error:
            self._failure = error
        except BaseException:
            self._failure = UnavailableError("the registry stopped fetching this blob")
            keeping.cancel()
            raise
        finally:
            await self._land(keeping)

    async def _land(self, keeping: asyncio.Task[None]) -> None:
        """Wait until the blob is kept, or is not; whoever waits for that is told in any case."""
        self._tell()
        try:
            if not keeping.cancelling():
                await self._queue.put(None)
            await asyncio.wait([keeping])
        except asyncio.CancelledError:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            raise
        finally:
            if keeping.cancelled():
                self._not_kept = UnavailableError("the registry stopped keeping this blob")
            self._landed = True
            self._tell()

    async def _take(self, chunk: bytes) -> None:
        if self._not_kept is not None and not self._readers:
            raise self._not_kept
        self._hash.update(chunk)
        self._window.append(chunk)
        self._end += len(chunk)
        while self._end - self._start - len(self._window[0]) >= WINDOW:
            self._start += len(self._window.popleft())
        self._tell()
        await self._queue.put(chunk)

    def _verify(self) -> None:
        if self._hash.hexdigest() != encoded_of(self.digest):
            raise UpstreamFaultError(f"the upstream sent other bytes than those of {self.digest}")
        self._verified = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _keep(self, keep: Keep) -> None:
        try:
            await keep(self._queued())
        except WherryError as error:
            self._not_kept = error
            if self._failure is None:
                log.warning("%s is not kept: %s", self.digest, error)
        except Exception as error:
            self._not_kept = InternalError(f"{type(error).__name__}: {error}")
            log.exception("%s is not kept", self.digest)
        while not self._emptied:  # the download must not wait for somebody to take its chunks
            self._emptied = await self._queue.get() is None

    async def _queued(self) -> AsyncGenerator[bytes, None]:
        while (chunk := await self._queue.get()) is not None:
            yield chunk
        self._emptied = True
        if self._failure is not None:
            raise self._failure

    async def read(self, read_kept: ReadKept) -> AsyncGenerator[bytes, None]:
        """Yield the whole blob; `read_kept(position)` reads on where it is kept."""
        position = 0
        self._readers += 1
        try:
            while position >= self._start:
                piece = self._piece(position)
                last = piece is None or position + len(piece) == self.size
                if piece is not None and (self._verified or not last):
                    yield piece
                    position += len(piece)
                elif self._verified:
                    return
                elif self._failure is not None:
                    raise self._failure
                else:
                    await self._news.wait()
        finally:
            self._readers -= 1
        await self._kept()
        async with contextlib.aclosing(read_kept(position)) as rest:
            async for piece in rest:
                yield piece

    def _piece(self, position: int) -> bytes | None:
        """Return the chunk that begins there; None when it has not come yet."""
        start = self._end
        for chunk in reversed(self._window):  # most readers are near the end
            start -= len(chunk)
            if start == position:
                return chunk
        return None

    async def _kept(self) -> None:
        while not self._landed and self._not_kept is None:
            await self._news.wait()
        if self._failure is not None:
            raise self._failure
        if self._not_kept is not None:
            raise NotKeptError(f"{self.digest} could not be kept: {self._not_kept}")
