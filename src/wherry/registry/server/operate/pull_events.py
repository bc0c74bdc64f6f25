"""Events of pulls, delivered as well as it goes: what a receiver does not take is forgotten.

A pull changes nothing, so there is no record of it to deliver from. Pulls wait in memory, no more
than MOST of them, and are posted some at once, by the process that has served them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.operate.endpoint import Endpoint, NotDeliveredError
from wherry.registry.server.operate.envelope import BATCH, Interest, Origin, of_pull
from wherry.registry.server.settings import Webhook

MOST = 1000
_PAUSE = 5.0
_log = logging.getLogger(__name__)


class PullEvents:
    """An observer, for one webhook."""

    def __init__(
        self,
        webhook: Webhook,
        endpoint: Endpoint,
        origin: Origin,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._interest = Interest(webhook)
        self._endpoint = endpoint
        self._origin = origin
        self._now = now
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._news = asyncio.Event()

    def finished(self, exchange: Exchange) -> None:
        """Note a pull of a manifest."""
        if exchange.action != "pull" or exchange.status != 200:
            return
        if self._interest.has("pull", exchange.repository):
            self._waiting.append(of_pull(exchange, self._now(), self._origin))
            self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        failing = False
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                count = min(len(self._waiting), BATCH)
                try:
                    await self._endpoint.post([self._waiting.popleft() for _ in range(count)])
                    failing = False
                except NotDeliveredError as error:
                    if not failing:
                        _log.warning("events of pulls are lost: %s", error)
                    failing = True
                    await asyncio.sleep(_PAUSE)
