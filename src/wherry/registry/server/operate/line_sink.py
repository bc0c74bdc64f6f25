"""Lines that go to a file in another thread, some of them at once.

Whoever writes a line pays for putting it on a list. The list is written after FLUSH_SECONDS, or
when it has grown large, one thread at a time, so lines stay in order. A reader of our output that
does not read, or a disk that does not answer, stops the thread and not the server: then the list
grows up to a bound, and what comes beyond it is counted and left out. A process that is killed
loses the lines of the last moment. Belongs to one event loop.

Several processes may write to one file or pipe, and their lines stay whole: a file is opened to
append, and into a pipe goes no more at once than the kernel takes in one piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import stat
from collections.abc import Iterator, Sequence

from wherry.base.crossing import in_thread
from wherry.base.errors import UnavailableError
from wherry.registry.server.log_file import STANDARD_OUTPUT, open_log

FLUSH_SECONDS = 0.1
CLOSE_SECONDS = 2.0
_AT_ONCE = 256 << 10
_MOST = 16 << 20
_log = logging.getLogger(__name__)


class LogFileError(UnavailableError):
    """A file of a log cannot be opened."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(f"the log {path} cannot be opened: {error.strerror or error}")


class LineSink:
    """Writes to `path`, "-" is standard output; raises LogFileError."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = self._opened()
        self._lines: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failing = False
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Have a line written, which ends with its newline."""
        if self._size > _MOST:
            self.dropped += 1
            return
        self._lines.append(line)
        self._size += len(line)
        if self._size > _AT_ONCE:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines and self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._lines:
                lines, self._lines, self._size = self._lines, [], 0
                await in_thread(self._put, lines)
        finally:
            self._writing = None

    def _put(self, lines: Sequence[bytes]) -> None:
        try:
            pipe = stat.S_ISFIFO(os.fstat(self._descriptor).st_mode)
            for piece in pieces(lines, select.PIPE_BUF if pipe else _AT_ONCE):
                view = memoryview(piece)
                while view:
                    view = view[os.write(self._descriptor, view) :]
            self._failing = False
        except OSError as error:
            if not self._failing:
                _log.error("the log %s cannot be written: %s", self._path, error)
            self._failing = True

    async def reopen(self) -> None:
        """Open the file anew, after it has been moved away; raises LogFileError."""
        descriptor = self._opened()
        await self.flushed()
        self._close()
        self._descriptor = descriptor

    async def flushed(self) -> None:
        """Return when every line is written."""
        while self._lines or self._writing is not None:
            self._flush()
            if self._writing is not None:
                await asyncio.shield(self._writing)

    async def close(self) -> None:
        """Write what is left, for a bounded time, and close the file."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flushed()
                self._close()

    def _close(self) -> None:
        if self._path != STANDARD_OUTPUT:
            os.close(self._descriptor)

    def _opened(self) -> int:
        try:
            return open_log(self._path)
        except OSError as error:
            raise LogFileError(self._path, error) from error


def pieces(lines: Sequence[bytes], most: int) -> Iterator[bytes]:
    """Yield lines together, whole ones, in pieces of up to `most` bytes; longer lines alone."""
    some: list[bytes] = []
    size = 0
    for line in lines:
        if some and size + len(line) > most:
            yield b"".join(some)
            some, size = [], 0
        some.append(line)
        size += len(line)
    if some:
        yield b"".join(some)
