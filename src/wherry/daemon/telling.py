"""Telling systemd how it goes: how many containers run, and that the event loop still turns."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final

from wherry.base.notify import VARIABLE, notify
from wherry.engine.events import Events

_CHANGES: Final = {"type": ["container"], "event": ["start", "die"]}


class Telling:
    """`running` counts containers that run."""

    def __init__(self, events: Events, running: Callable[[], int]) -> None:
        self._events = events
        self._running = running

    def status(self) -> str:
        """Return the line for `systemctl status`."""
        count = self._running()
        return f"STATUS={count} container{'' if count == 1 else 's'} running"

    async def tell(self, environment: Mapping[str, str] = os.environ) -> None:
        """Tell every change and every sign of life, until cancelled; nothing if nobody listens."""
        if not environment.get(VARIABLE):
            return
        await asyncio.gather(self._tell_changes(), self._tell_alive(watchdog_seconds(environment)))

    async def _tell_changes(self) -> None:
        async for _ in self._events.stream(None, None, _CHANGES):
            notify(self.status())

    @staticmethod
    async def _tell_alive(seconds: float) -> None:
        while seconds > 0:
            notify("WATCHDOG=1")
            await asyncio.sleep(seconds / 3)


def watchdog_seconds(environment: Mapping[str, str]) -> float:
    """Return after how many seconds without a sign of life we are ended; 0 for never."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    given = environment.get("WATCHDOG_USEC", "")
    return int(given) / 1_000_000 if given.isdecimal() else 0
