"""Events of the catalog, delivered to each webhook in their order, at least once.

The catalog has the events and, for each webhook, how far it is; so an event is as durable as what
it tells of. One process at a time delivers for a webhook: it holds a claim, and renews it, and when
it ends another goes on where it had got to. What was posted just before that may be posted again:
receivers tell by the event's id. A receiver that does not answer is tried again for ever, ever more
slowly; nothing is held in memory for it but one batch, and the catalog keeps events for a week.

A process hears of what it did itself at once (`wake`), and of what others did within POLL_SECONDS.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence

import aiohttp

from wherry.base.errors import WherryError
from wherry.registry.server.catalog.catalog import Catalog, Event
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.operate.endpoint import Endpoint, NotDeliveredError
from wherry.registry.server.operate.envelope import BATCH, Interest, Origin, of_event
from wherry.registry.server.operate.pull_events import PullEvents
from wherry.registry.server.settings import Webhook

POLL_SECONDS = 1.0
CLAIM_SECONDS = 15.0
_RENEW_SECONDS = 5.0
_RELEASE_SECONDS = 1.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0
_RECORDED = frozenset({"push", "delete", "mount"})
_log = logging.getLogger(__name__)


def cursor_name(webhook: Webhook) -> str:
    """Return what a webhook is called in the catalog; its URL may be a secret."""
    return "webhook:" + hashlib.sha256(webhook.url.encode()).hexdigest()[:24]


class Deliverer:
    """Delivers for one webhook; `clock` in seconds since the epoch, `failed` is told of each try
    that went wrong."""

    def __init__(
        self,
        catalog: Catalog,
        webhook: Webhook,
        endpoint: Endpoint,
        origin: Origin,
        failed: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalog = catalog
        self._name = cursor_name(webhook)
        self._interest = Interest(webhook)
        self._endpoint = endpoint
        self._origin = origin
        self._failed = failed
        self._clock = clock
        self._owner = secrets.token_hex(8)
        self._claimed_until = 0.0
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Say that there may be a new event."""
        self._news.set()

    async def begin(self) -> None:
        """Let a new webhook begin with what happens from now on, whichever process delivers it."""
        await self._catalog.cursor(self._name)

    async def run(self) -> None:
        """Deliver until cancelled; then let another process do so at once."""
        try:
            await self._deliver()
        finally:
            await self._release()

    async def _deliver(self) -> None:
        failures = 0
        while True:
            try:
                if not await self._claim():
                    await asyncio.sleep(_RENEW_SECONDS * random.uniform(0.5, 1))
                    continue
                if not await self._batch():
                    await self._wait()
                if failures:
                    _log.info("events are delivered to %s again", self._endpoint.host)
                failures = 0
            except Exception as error:
                failures += 1
                self._failed("webhook" if isinstance(error, NotDeliveredError) else "database")
                self._complain(error, failures)
                await self._pause(failures)

    async def _release(self) -> None:
        """Give the claim back; when that fails, it runs out by itself."""
        if not self._claimed_until:
            return
        now = self._clock()
        with contextlib.suppress(WherryError, TimeoutError):
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._catalog.claim(self._name, self._owner, now, now)

    async def _claim(self) -> bool:
        now = self._clock()
        if self._claimed_until - now > CLAIM_SECONDS - _RENEW_SECONDS:
            return True
        until = now + CLAIM_SECONDS
        if not await self._catalog.claim(self._name, self._owner, now, until):
            self._claimed_until = 0.0
            return False
        self._claimed_until = until
        return True

    async def _batch(self) -> bool:
        """Deliver the next events; returns whether there were any."""
        self._news.clear()
        cursor = await self._catalog.cursor(self._name)
        events = await self._catalog.events(cursor, BATCH)
        if not events:
            return False
        if wanted := [event for event in events if self._wants(event)]:
            await self._post(wanted)
        await self._catalog.advance(self._name, events[-1].id)
        return True

    async def _post(self, events: Sequence[Event]) -> None:
        """Post events, and renew the claim while the receiver takes its time."""
        made = [of_event(event, self._origin) for event in events]
        posting = asyncio.ensure_future(self._endpoint.post(made))
        try:
            while not (await asyncio.wait([posting], timeout=_RENEW_SECONDS))[0]:
                await self._claim()
            posting.result()
        finally:
            posting.cancel()

    def _wants(self, event: Event) -> bool:
        return self._interest.has(event.action, event.repository)

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._news.wait()

    def _complain(self, error: Exception, failures: int) -> None:
        # The first, and then ever more rarely: a receiver can be away for days.
        if failures & (failures - 1):
            return
        known = isinstance(error, WherryError)
        words = "events wait, and are tried again (failure %d): %s"
        _log.warning(words, failures, error, exc_info=None if known else error)

    async def _pause(self, failures: int) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
        loop = asyncio.get_running_loop()
        ends = loop.time() + pause * random.uniform(0.8, 1.2)
        while (left := ends - loop.time()) > 0:
            await asyncio.sleep(min(left, _RENEW_SECONDS))
            with contextlib.suppress(WherryError):
                await self._claim()


class Webhooks:
    """All webhooks of a registry; also an observer of exchanges.

    `session` is for their requests and the caller's to close; `failed` is told what went wrong.
    """

    def __init__(
        self,
        catalog: Catalog,
        webhooks: Sequence[Webhook],
        origin: Origin,
        session: aiohttp.ClientSession,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._deliverers: list[Deliverer] = []
        self._pulls: list[PullEvents] = []
        for webhook in webhooks:
            endpoint = Endpoint(webhook, session)
            if _RECORDED.intersection(webhook.events):
                deliverer = Deliverer(catalog, webhook, endpoint, origin, failed)
                self._deliverers.append(deliverer)
            if "pull" in webhook.events:
                self._pulls.append(PullEvents(webhook, endpoint, origin))

    async def begin(self) -> None:
        """Let new webhooks begin with what happens from now on."""
        for deliverer in self._deliverers:
            await deliverer.begin()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for deliverer in self._deliverers:
                tasks.create_task(deliverer.run())
            for pulls in self._pulls:
                tasks.create_task(pulls.run())

    def finished(self, exchange: Exchange) -> None:
        """Note a pull, or that there may be a new event."""
        if exchange.action in _RECORDED:
            for deliverer in self._deliverers:
                deliverer.wake()
        for pulls in self._pulls:
            pulls.finished(exchange)
