"""From a verb that reports by calling back to the lines of a progress stream.

A client that reads slowly must not hold up the work nor fill the memory: of reports that repeat the
same step of the same layer, only the newest waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from wherry.wire.progress import ProgressLine, encode_line

_WAITING_AT_MOST = 1024


class Pending:
    """Lines that wait for the client, in the order in which they began to wait."""

    def __init__(self) -> None:
        self._lines: dict[object, ProgressLine] = {}
        self._news = asyncio.Event()
        self._taken = asyncio.Event()
        self._ended = False

    def put(self, line: ProgressLine) -> None:
        """Add a line, in the place of one that it makes obsolete."""
        same_step = line.progress_detail is not None and line.id
        self._lines[(line.id, line.status) if same_step else object()] = line
        self._news.set()

    def end(self) -> None:
        """Say that no more lines will come."""
        self._ended = True
        self._news.set()

    async def ready(self) -> None:
        """Return when fewer lines wait than anybody would want to read at once."""
        while len(self._lines) > _WAITING_AT_MOST:
            self._taken.clear()
            await self._taken.wait()

    async def take(self) -> bytes:
        """Return all that waits, encoded; empty at the end."""
        while not self._lines and not self._ended:
            self._news.clear()
            await self._news.wait()
        lines, self._lines = self._lines, {}
        self._taken.set()
        return b"".join(map(encode_line, lines.values()))


class Report:
    """What a verb reports with; may be called by any thread."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._loop = asyncio.get_running_loop()

    def __call__(self, line: ProgressLine) -> None:
        """Report a line."""
        try:
            inside = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            inside = False
        if inside:
            self._pending.put(line)
        else:
            self._loop.call_soon_threadsafe(self._pending.put, line)

    async def ready(self) -> None:
        """Wait while the client is far behind: for who has more to tell than fits the memory."""
        await self._pending.ready()


async def reported(work: Callable[[Report], Awaitable[None]]) -> AsyncIterator[bytes]:
    """Run `work` and yield what it reports; raises what it raises, after all of its lines.

    Closing the iterator cancels the work: the client has gone.
    """
    pending = Pending()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work(Report(pending)))
    task.add_done_callback(lambda _: loop.call_soon(pending.end))
    try:
        while lines := await pending.take():
            yield lines
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
