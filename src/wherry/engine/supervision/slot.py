"""One keeper's place: the keeper that is there now, and the next one when it dies.

A place is `ready` while a keeper can be asked. When its connection is lost, the place finds out
whether the keeper still lives (then it connects again) or is dead (then it starts another), tells
what the keeper holds, and is ready again. It does so for ever, with pauses if keepers do not last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Final

from wherry.engine.supervision.exit_status import ended
from wherry.keeper import start
from wherry.keeper.client import Event, Hello, KeeperClient, KeeperLostError
from wherry.keeper.protocol import Exited
from wherry.keeper.reaping import wait_status
from wherry.linux.pidfd import pid_of

_log = logging.getLogger(__name__)

_DYING_SECONDS: Final = 0.5
_READY_SECONDS: Final = 10.0
# A keeper that lived for less is not replaced at once.
_SHORT_LIFE_SECONDS: Final = 2.0
_PAUSES: Final = (0.0, 0.1, 0.5, 2.0, 5.0)

# Called with the place and what its keeper holds, before the place is ready.
Restored = Callable[["Slot", Hello], Awaitable[None]]
Spawn = Callable[[int], start.Spawned]


class Slot:
    """The keeper number `index`. `on_exit` is called for each process of it that has ended."""

    def __init__(
        self,
        path: str,
        index: int,
        spawn: Spawn,
        on_exit: Callable[[Slot, Exited], None],
        on_restored: Restored,
    ) -> None:
        self.index = index
        self.path = path
        self._spawn = spawn
        self._on_exit = on_exit
        self._on_restored = on_restored
        self._client: KeeperClient | None = None
        self._keeper = -1
        self._since = 0.0
        self._failures = 0
        self._ready = asyncio.Event()
        self._closing = False
        self._restoring: asyncio.Task[None] | None = None

    async def open(self) -> Hello:
        """Connect to the keeper, or start one, and return what it holds. Raises OSError."""
        try:
            return await self._greet()
        except (KeeperLostError, OSError):
            # Nobody is there, or was dying when it was greeted.
            self._spawn(self.index)
            return await self._greet()

    @property
    def pid(self) -> int:
        """The keeper's process ID; -1 where there is none."""
        return pid_of(self._keeper) if self._keeper >= 0 else -1

    def set_ready(self) -> None:
        """Let requests through."""
        if self.connection().closed:
            self._restoring = asyncio.create_task(self._restore())
        else:
            self._ready.set()

    def connection(self) -> KeeperClient:
        """Return the connection of a place that is open, ready or not yet."""
        assert self._client is not None
        return self._client

    async def client(self) -> KeeperClient:
        """Return the connection, waiting while a keeper is being replaced."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise KeeperLostError from None
        return self.connection()

    async def close(self) -> None:
        """Let go; the keeper ends if it holds nothing, and stays otherwise."""
        self._closing = True
        if self._restoring is not None:
            self._restoring.cancel()
            await asyncio.gather(self._restoring, return_exceptions=True)
        with contextlib.suppress(KeeperLostError, OSError):
            if self._client is None or self._client.closed:
                # It was about to be connected to again, or has just been started.
                await self._greet()
            if await self.connection().retire() and self._keeper >= 0:
                await ended(self._keeper, _READY_SECONDS)
                wait_status(self._keeper)
        if self._client is not None:
            self._client.close()
        if self._keeper >= 0:
            os.close(self._keeper)
            self._keeper = -1

    async def _greet(self) -> Hello:
        client = await KeeperClient.connect(self.path, self._event)
        try:
            hello = await client.hello()
            keeper = os.pidfd_open(hello.pid)
        except BaseException:
            client.close()
            raise
        self._client = client
        self._since = time.monotonic()
        if self._keeper >= 0:
            os.close(self._keeper)
        self._keeper = keeper
        return hello

    def _event(self, event: Event) -> None:
        if isinstance(event, Exited):
            self._on_exit(self, event)
        elif self._ready.is_set() and not self._closing:
            self._ready.clear()
            self._restoring = asyncio.create_task(self._restore())

    async def _restore(self) -> None:
        if time.monotonic() - self._since > _SHORT_LIFE_SECONDS:
            self._failures = 0
        while True:
            await asyncio.sleep(_PAUSES[min(self._failures, len(_PAUSES) - 1)])
            self._failures += 1
            try:
                await self._bury()
                await self._on_restored(self, await self.open())
            except (KeeperLostError, OSError) as error:
                _log.warning("keeper %d cannot be replaced yet: %s", self.index, error)
            else:
                if not self.connection().closed:
                    self._ready.set()
                    return

    async def _bury(self) -> None:
        """Reap the keeper if it is dead; one that lives has only dropped the connection."""
        if self._keeper < 0:
            return
        if await ended(self._keeper, _DYING_SECONDS):
            status = wait_status(self._keeper)
            _log.warning("keeper %d ended with status %s; replacing it", self.index, status)
            os.close(self._keeper)
            self._keeper = -1
            # A child between fork and exec may still hold the socket open.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
