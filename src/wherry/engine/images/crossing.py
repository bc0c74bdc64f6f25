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
