"""Waiting for a client that may have gone to sleep.

What counts is bytes on the wire, in either direction, as the kernel's TCP has them: a slow client
is waited for as long as anything moves, and one that takes or sends nothing for `seconds` is given
up. Only waiting for the client is watched, never our own work.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType

from wherry.base.errors import DeadlineError

_LOOKS = 4  # in the time allowed: so a stall is found within a quarter more of it
# struct tcp_info of linux/tcp.h: tcpi_bytes_acked and tcpi_bytes_received.
_COUNTERS = struct.Struct("=QQ")
_COUNTERS_AT = 120


class StalledError(DeadlineError):
    """The client has sent or taken nothing for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not one byte was sent or received for {seconds:g} seconds")


class Patience:
    """`async with` around one wait for a client; raises StalledError. 0 seconds: for ever."""

    def __init__(self, transport: asyncio.BaseTransport | None, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._seen: object = None
        self._quiet = 0

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        if self._seconds:
            self._seen = progress(self._transport)
            self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / _LOOKS, self._look)

    def _look(self) -> None:
        seen = progress(self._transport)
        self._quiet = self._quiet + 1 if seen == self._seen else 0
        self._seen = seen
        if self._quiet < _LOOKS:
            self._wait()
        else:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            raise StalledError(self._seconds) from None


def progress(transport: asyncio.BaseTransport | None) -> object:
    """Return what changes when bytes move: acknowledged by the client, and received from it."""
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is None:
        return None
    try:
        size = _COUNTERS_AT + _COUNTERS.size
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        return _COUNTERS.unpack_from(info, _COUNTERS_AT)
    except (OSError, struct.error):
        return None  # not TCP, or closed already
