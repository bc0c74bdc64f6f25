"""Ends every run because the machine goes down, each as its container wants to be ended.

Only then: whoever stops or restarts the engine alone ends nothing. Restart policies see no wish of
the user's in it, so what ran runs again after the boot; how each run ended is in its record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.engine.containers.exits import ExitHandler
from wherry.engine.containers.record import Container
from wherry.engine.containers.stop import DEFAULT_TIMEOUT, StopContainer
from wherry.engine.containers.table import ContainerTable

log = logging.getLogger(__name__)

# dockerd's least, and what it adds to the longest stop timeout of a container.
_LEAST_SECONDS: Final = 15
_MORE_SECONDS: Final = 5


@dataclass(slots=True)
class GoDown:
    """The verb; see the module."""

    table: ContainerTable
    stop: StopContainer
    exits: ExitHandler

    def seconds(self) -> int:
        """Return how long it may take; one that is never to be killed gets the usual time."""
        limits = [record.config.stop_timeout for record in self._running()]
        known = [DEFAULT_TIMEOUT if one is None or one < 0 else one for one in limits]
        return max(_LEAST_SECONDS, max(known, default=0) + _MORE_SECONDS)

    async def __call__(self, told: Callable[[int], None]) -> None:
        """End all runs at once; `told` is called with the number of those that are left."""
        self.exits.going_down = True
        ending = {asyncio.ensure_future(self._end(record)) for record in self._running()}
        try:
            async with asyncio.timeout(self.seconds()):
                while ending:
                    told(len(ending))
                    _, ending = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            log.warning("%d containers did not end in time", len(ending))
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    def _running(self) -> list[Container]:
        return [record for record in self.table if record.state.running]

    async def _end(self, record: Container) -> None:
        try:
            await self.stop.for_shutdown(record)
        except (WherryError, OSError) as error:
            log.warning("container %s could not be stopped: %s", record.name, error)
