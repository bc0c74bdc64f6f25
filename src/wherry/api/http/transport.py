"""A connection's two directions on asyncio's streams, each of which ends on its own.

`Wire.on_gone` is called once, when the client's direction ends while nobody reads from it: that is
how a client that has gone away is noticed while a handler works.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress

PIECE_BYTES = 1 << 18
CLOSE_SECONDS = 5.0


class WatchedReader(asyncio.StreamReader):
    """A stream reader that says at once when the client's direction ends."""

    on_eof: Callable[[], None] | None = None

    def feed_eof(self) -> None:
        """Take the end of the client's direction."""
        super().feed_eof()
        self._tell()

    def set_exception(self, exc: BaseException) -> None:
        """Take the loss of the connection."""
        super().set_exception(exc)  # type: ignore[arg-type]  # typeshed says Exception
        self._tell()

    def _tell(self) -> None:
        if self.on_eof is not None:
            self.on_eof()


class Wire:
    """Both directions of one connection."""

    def __init__(self, reader: WatchedReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> bytes:
        """Return what the client sent next; empty when its direction has ended or broken."""
        try:
            return await self._reader.read(PIECE_BYTES)
        except (ConnectionError, OSError):
            return b""

    async def send(self, data: bytes) -> None:
        """Send, at the client's pace; `ConnectionError` when it is gone."""
        self._writer.write(data)
        await self._writer.drain()

    def watch(self, on_gone: Callable[[], None] | None) -> None:
        """Call `on_gone` when the client's direction ends, at once if it has; None: no longer."""
        self._reader.on_eof = on_gone
        if on_gone is not None and self._reader.at_eof():
            on_gone()

    @property
    def gone(self) -> bool:
        """True when the client has closed both directions; over TCP that shows on writing only."""
        descriptor = self._writer.get_extra_info("socket").fileno()
        if descriptor < 0:
            return True
        poll = select.poll()
        poll.register(descriptor, 0)  # a hang-up is always told
        return bool(poll.poll(0))

    def end_sending(self) -> None:
        """End our direction; the client's goes on."""
        with suppress(OSError, RuntimeError):
            if self._writer.can_write_eof():
                self._writer.write_eof()

    async def close(self) -> None:
        """Send what is left, for a bounded time, and close."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
            return
        self._writer.transport.abort()


class HijackedWire:
    """A `Duplex` over a connection that has left HTTP, early bytes first."""

    def __init__(self, wire: Wire, early: bytes) -> None:
        self._wire = wire
        self._early = early

    async def receive(self) -> bytes:
        """Return what the client sent next, empty once it has ended its direction."""
        if early := self._early:
            self._early = b""
            return early
        return await self._wire.receive()

    async def send(self, data: bytes) -> None:
        """Send, at the client's pace; `ConnectionError` when it is gone."""
        await self._wire.send(data)

    @property
    def gone(self) -> bool:
        """True when the client is known to have closed both directions."""
        return self._wire.gone
