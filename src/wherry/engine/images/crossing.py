"""Streams between the event loop, where clients are, and threads that read and write archives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import CancelledError
from wherry.store.layers.compression import Writable

_BEHIND_AT_MOST = 16
_PIECE = 1 << 18


class ChunkReader:
    """A blocking file over chunks that arrive on the event loop; for one thread."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all that comes when it is negative; empty at the end."""
        if size < 0:
            parts = [self._rest]
            self._rest = b""
            while more := self._next():
                parts.append(more)
            return b"".join(parts)
        if not self._rest:
            self._rest = self._next()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self) -> bytes:
        """Return the next piece that is not empty; empty at the end."""

        async def following() -> bytes | None:
            return await anext(self._chunks, None)

        while True:
            chunk = asyncio.run_coroutine_threadsafe(following(), self._loop).result()
            if chunk is None or chunk:
                return chunk or b""


class _Sink:
    """A blocking file whose bytes a coroutine takes; full when that one is behind."""

    def __init__(self, loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[bytes]) -> None:
        self._loop = loop
        self._queue = queue
        self._held: list[bytes] = []
        self._size = 0
        self.abandoned = False

    def write(self, data: bytes, /) -> int:
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size >= _PIECE:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self.abandoned:
            raise CancelledError("the client has gone")
        piece, self._held, self._size = b"".join(self._held), [], 0
        if piece:
            asyncio.run_coroutine_threadsafe(self._queue.put(piece), self._loop).result()


async def streamed(work: Callable[[Writable], None]) -> AsyncIterator[bytes]:
    """Run `work` in a thread and yield what it writes; raises what it raises."""
    queue: asyncio.Queue[bytes] = asyncio.Queue(_BEHIND_AT_MOST)
    sink = _Sink(asyncio.get_running_loop(), queue)

    def run() -> None:
        work(sink)
        sink.flush()

    async def produce() -> None:
        try:
            await in_thread(run)
        finally:
            await queue.put(b"")

    task = asyncio.create_task(produce())
    try:
        while piece := await queue.get():
            yield piece
        await task
    finally:
        sink.abandoned = True
        while not task.done():
            # Room for what the thread is about to put, until it sees that nobody listens.
            with contextlib.suppress(asyncio.QueueEmpty):
                queue.get_nowait()
            await asyncio.sleep(0.01)
        if not task.cancelled():
            task.exception()


async def spooled(chunks: AsyncIterator[bytes], file: BinaryIO) -> None:
    """Write all that arrives into a file."""
    async for chunk in chunks:
        await to_the_end(file.write, chunk)
