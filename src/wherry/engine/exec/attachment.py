"""A client's connection to an exec'd process: pipes or a terminal, pumped on the event loop.

The engine is the only one who holds these: when it dies the process sees the other side close, as
it would if the client had gone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from wherry.engine.exec.view import ExecView
from wherry.engine.streams import read_some, readable, write_all


class ExecAttachment:
    """Owns our ends of the process's streams."""

    def __init__(
        self, view: ExecView, *, tty: bool, stdin: int | None, outputs: dict[str, int]
    ) -> None:
        self.tty = tty
        self._view = view
        self._stdin = stdin
        self._outputs = outputs

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what the process writes, until its streams have ended or it has."""
        while self._outputs:
            produced = False
            for stream, descriptor in list(self._outputs.items()):
                data = read_some(descriptor)
                if data:
                    produced = True
                    yield stream, data
                elif data == b"":
                    os.close(self._outputs.pop(stream))
            if not produced and self._outputs:
                if self._view.ended.is_set():
                    # Something that it started holds the streams: what there was has been read.
                    return
                await self._news()
        # Clients ask for the exit code as soon as the stream ends: it has to be there by then.
        await self._view.ended.wait()

    async def _news(self) -> None:
        waiting = [asyncio.ensure_future(readable(fd)) for fd in self._outputs.values()]
        waiting.append(asyncio.ensure_future(self._view.ended.wait()))  # type: ignore[arg-type]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def write_stdin(self, data: bytes) -> None:
        """Give the process input; dropped where it has closed its end."""
        if self._stdin is not None and not await write_all(self._stdin, data):
            await self.close_stdin()

    async def close_stdin(self) -> None:
        """End the process's input; a terminal stays open."""
        if self._stdin is not None and not self.tty:
            os.close(self._stdin)
            self._stdin = None

    async def close(self) -> None:
        """Close all descriptors; the process goes on without."""
        for descriptor in {*self._outputs.values(), *([self._stdin] if self._stdin else [])}:
            os.close(descriptor)
        self._outputs.clear()
        self._stdin = None
