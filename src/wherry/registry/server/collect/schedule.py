"""Collection every so often, in one of the processes that share a catalog.

Whoever holds the claim collects, and renews it each time, and during long runs as well; when that
process ends, another gets it once the claim has run out. A run that fails is logged and tried again
at the next turn: nothing here ends a server. Two runs at once would do no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections.abc import Callable

from wherry.base.errors import WherryError
from wherry.registry.server.catalog.catalog import Catalog
from wherry.registry.server.collect.collector import Collector
from wherry.registry.server.collect.report import Report

TASK = "collection"
_FIRST = 60.0  # seconds after the start at the latest, whatever the interval
_CLAIMED_INTERVALS = 2.5  # so that its holder comes before anyone else, jitter and all
_log = logging.getLogger(__name__)


class Schedule:
    """Runs a collector every `interval` seconds, 0 for never; `told` is given each report."""

    def __init__(
        self,
        catalog: Catalog,
        collector: Collector,
        interval: float,
        *,
        clock: Callable[[], float] = time.time,
        told: Callable[[Report], None] | None = None,
    ) -> None:
        self._catalog = catalog
        self._collector = collector
        self._interval = interval
        self._clock = clock
        self._told = told
        self._owner = secrets.token_hex(8)

    async def run(self) -> None:
        """Collect until cancelled; returns at once when there is no interval."""
        if not self._interval:
            return
        await asyncio.sleep(min(self._interval, _FIRST) * random.random())
        while True:
            await self.once()
            await asyncio.sleep(self._interval * random.uniform(0.9, 1.1))

    async def once(self) -> bool:
        """Collect if it is this process's turn; returns whether it was, and it went well."""
        try:
            if not await self._claim():
                return False
            report = await self._collect()
        except WherryError as error:
            _log.warning("collection failed, and is tried again: %s", error)
            return False
        except Exception:
            _log.exception("collection failed, and is tried again")
            return False
        _log.info("collection: %s", report.words())
        if self._told is not None:
            self._told(report)
        return True

    async def _claim(self) -> bool:
        now = self._clock()
        until = now + _CLAIMED_INTERVALS * self._interval
        return await self._catalog.claim(TASK, self._owner, now, until)

    async def _collect(self) -> Report:
        holding = asyncio.create_task(self._hold())
        try:
            return await self._collector.run()
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    async def _hold(self) -> None:
        """Renew the claim for as long as a run takes; one that is lost does no harm."""
        while True:
            await asyncio.sleep(self._interval)
            with contextlib.suppress(WherryError):
                await self._claim()
