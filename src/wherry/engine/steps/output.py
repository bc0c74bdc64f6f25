"""A step's output, followed in the files that the keeper writes, and handed on as it comes.

Whoever reads it is never waited for by the process, and memory holds one piece at a time. What has
been handed on is of no use to anybody: its disk space is given back while the step runs, so that a
log is as long on disk as the reader is behind. The files keep their length, which is the writer's.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final, Self

from wherry.base.crossing import to_the_end
from wherry.build.ports import Output
from wherry.linux.fallocate import punch_hole
from wherry.logs.follower import Follower
from wherry.logs.layout import raw_path
from wherry.logs.watch import LogWatch, stream_chunks

_AT_ONCE: Final = 16 << 20
_BLOCK: Final = 4096


async def follow(watch: LogWatch, directory: str, follower: Follower, output: Output) -> None:
    """Hand on all output of a run, to its end."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(follower)
        consumed = stack.enter_context(Consumed(directory))
        chunks = await stack.enter_async_context(
            contextlib.aclosing(stream_chunks(watch, directory, follower))
        )
        async for chunk in chunks:
            await output(chunk.stream, chunk.data)
            if consumed.add(chunk.stream, len(chunk.data)):
                await to_the_end(consumed.release, chunk.stream)


class Consumed:
    """How much of each stream has been handed on, and how much of that is still on disk."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._ends = {"stdout": 0, "stderr": 0}
        self._released = {"stdout": 0, "stderr": 0}
        self._files: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()

    def add(self, stream: str, size: int) -> bool:
        """Take note of what has been handed on; tell whether it is time to release."""
        self._ends[stream] += size
        return self._ends[stream] - self._released[stream] >= _AT_ONCE

    def release(self, stream: str) -> None:
        """Give back the space of what has been handed on.

        The last byte stays: the writer looks at it to know whether a line is complete.
        """
        if stream not in self._files:
            path = raw_path(self._directory, 0, stream)
            self._files[stream] = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        start = self._released[stream]
        end = (self._ends[stream] - 1) // _BLOCK * _BLOCK
        self._released[stream] = end
        punch_hole(self._files[stream], start, end - start)
