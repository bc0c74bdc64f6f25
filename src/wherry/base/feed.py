"""Bytes that arrive on the event loop, read by blocking code in a thread.

The loop is never held up: a bounded amount waits for the thread, and beyond that the source is not
asked for more. Many small pieces cost the thread one turn, not one turn each.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from wherry.base.crossing import to_the_end
from wherry.base.errors import CancelledError

_WAITING_BYTES = 8 << 20
Result = TypeVar("Result")


class Feed:
    """A blocking file for one thread; made on the event loop that feeds it.

    `waiting` is how many bytes may wait for the thread before the source is held up.
    """

    def __init__(self, waiting: int = _WAITING_BYTES) -> None:
        self._most = waiting
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._room.set()
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._broken = False
        self._news = threading.Condition()

    async def pump(self, chunks: AsyncIterator[bytes]) -> None:
        """Take all chunks, at the pace at which they are read."""
        async for chunk in chunks:
            if not chunk:
                continue
            with self._news:
                self._pieces.append(chunk)
                self._size += len(chunk)
                full = self._size >= self._most
                if full:
                    self._room.clear()
                self._news.notify()
            if full:
                await self._room.wait()
        self.end()

    def end(self) -> None:
        """Say that no more will come."""
        with self._news:
            self._ended = True
            self._news.notify()

    def break_off(self) -> None:
        """Let the thread's next read fail: nobody waits for it any more."""
        with self._news:
            self._broken = True
            self._news.notify()

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all that comes when it is negative; empty at the end.

        Raises CancelledError after `break_off`.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_WAITING_BYTES), b""))
        with self._news:
            while not self._pieces and not self._ended and not self._broken:
                self._news.wait()
            if self._broken:
                raise CancelledError("the client has gone")
            taken = self._take(size)
            self._size -= len(taken)
            if self._size < self._most // 2 and not self._room.is_set():
                self._loop.call_soon_threadsafe(self._room.set)
            return taken

    def _take(self, size: int) -> bytes:
        taken: list[bytes] = []
        while self._pieces and size > 0:
            piece = self._pieces.popleft()
            if len(piece) > size:
                self._pieces.appendleft(piece[size:])
                piece = piece[:size]
            size -= len(piece)
            taken.append(piece)
        return taken[0] if len(taken) == 1 else b"".join(taken)


async def fed(
    chunks: AsyncIterator[bytes],
    work: Callable[[Feed], Result],
    *,
    waiting: int = _WAITING_BYTES,
) -> Result:
    """Run `work` in a thread over what arrives, and return what it returns.

    What fails first is raised: the source or the work. When this ends, the thread has ended.
    """
    feed = Feed(waiting)
    pumping = asyncio.ensure_future(feed.pump(chunks))

    def pumped(task: asyncio.Future[None]) -> None:
        if task.cancelled() or task.exception() is not None:
            feed.break_off()

    pumping.add_done_callback(pumped)
    working = asyncio.ensure_future(to_the_end(work, feed))
    try:
        result = await asyncio.shield(working)
    except asyncio.CancelledError:
        feed.break_off()
        await asyncio.gather(working, return_exceptions=True)
        raise
    except CancelledError:
        # The thread was stopped because the source had failed.
        pumping.result()
        raise
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
    return result
