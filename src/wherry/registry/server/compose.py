"""The composition root: builds every part of a registry once, each with exactly what it uses.

Parts are closed in the reverse order: first nobody is let in any more and what is running is
finished, then what goes on by itself stops, then logs are written to their end, and connections and
the database are closed last.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack

import aiohttp

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.values import dataclass, field
from wherry.registry.server.access.access_guard import AccessGuard
from wherry.registry.server.access.audit import AuditLog
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.access.make import access_sites, make_guard
from wherry.registry.server.backend import Backend
from wherry.registry.server.collect.collector import Collector
from wherry.registry.server.collect.schedule import Schedule
from wherry.registry.server.hosted.backend import HostedBackend
from wherry.registry.server.http.exchange import Observer, Site
from wherry.registry.server.http.protocol_site import ProtocolSite
from wherry.registry.server.http.search import SearchSite
from wherry.registry.server.http.server import RegistryServer
from wherry.registry.server.operate.access_log import AccessLog
from wherry.registry.server.operate.envelope import Origin
from wherry.registry.server.operate.exposition import Siblings
from wherry.registry.server.operate.line_sink import LineSink
from wherry.registry.server.operate.measured import MeasuredCaches, MeasuredDriver, MeasuredSite
from wherry.registry.server.operate.metrics import Metrics
from wherry.registry.server.operate.site import Figures, OperationsSite, Readiness
from wherry.registry.server.operate.webhooks import Webhooks
from wherry.registry.server.settings import Settings
from wherry.registry.server.stores import Stores, open_stores

_SESSIONS = "sessions"  # what the secret of the pages is called in the catalog
_log = logging.getLogger(__name__)
Reload = Callable[[], Awaitable[None]]
Work = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that is ready to listen."""

    server: RegistryServer
    reloads: Sequence[Reload]

    async def reload(self) -> None:
        """Open logs anew and read accounts again; what cannot be used is logged, and not used."""
        for reload in self.reloads:
            try:
                await reload()
            except WherryError as error:
                _log.error("what is in use stays: %s", error)


async def build(
    settings: Settings, stack: AsyncExitStack, siblings: Siblings | None = None
) -> Registry:
    """Build a registry; `stack` shuts it down. It does not listen yet.

    siblings: the figures of other processes that share the port. Raises as `open_stores`, and what
    accounts and logs that cannot be used raise.
    """
    metrics = Metrics()
    opened = await open_stores(settings, stack)
    stores = Stores(opened.catalog, MeasuredDriver(opened.driver, metrics))
    building = _Building(settings, stores, metrics, stack)
    building.logs()
    backend = building.backend()
    guard = await building.guard()
    await building.webhooks()
    sites = [building.operations(guard, siblings), *await building.sites(guard, backend)]
    building.collection()
    background = _Background(building.works)
    stack.push_async_callback(background.end)
    background.begin()
    server = RegistryServer(
        sites,
        guard,
        building.observers,
        settings.limits,
        url=settings.listen.url,
        trusted_proxies=settings.access.trusted_proxies,
    )
    stack.push_async_callback(server.close)
    return Registry(server, building.reloads)


@dataclass(slots=True)
class _Building:
    """A registry while it is built; `works` goes on beside the server."""

    settings: Settings
    stores: Stores
    metrics: Metrics
    stack: AsyncExitStack
    observers: list[Observer] = field(default_factory=list)
    reloads: list[Reload] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)

    def logs(self) -> None:
        """Open the logs; they, and the metrics, are told of every exchange."""
        operation = self.settings.operation
        self.observers.append(self.metrics)
        if operation.access_log:
            sink = LineSink(operation.access_log)
            self.stack.push_async_callback(sink.close)
            self.metrics.gauge("log_lines_dropped", "Lines nobody read.", lambda: sink.dropped)
            self.observers.append(AccessLog(sink))
            self.reloads.append(sink.reopen)
        if operation.audit_log:
            audit = AuditLog(operation.audit_log, time.time)
            self.stack.callback(audit.close)
            self.observers.append(audit)

            async def reopen() -> None:
                audit.reopen()

            self.reloads.append(reopen)

    def backend(self) -> Backend:
        """Return what keeps images, with caches before it when there are any."""
        hosted = HostedBackend(self.stores.catalog, self.stores.driver, self.settings)
        if not self.settings.caches:
            return hosted
        caching = MeasuredCaches(hosted, self.settings.caches, self.metrics)
        self.stack.push_async_callback(caching.close)
        return caching

    async def guard(self) -> Guard:
        """Return who decides."""
        guard = await make_guard(self.settings, self.stores.catalog, time.time)
        if isinstance(guard, AccessGuard):
            self.reloads.append(guard.reload)
        return guard

    async def webhooks(self) -> None:
        """Have events delivered."""
        if not self.settings.webhooks:
            return
        # Whatever a receiver answers with, it gets no cookies back.
        session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self.stack.push_async_callback(session.close)
        webhooks = Webhooks(
            self.stores.catalog,
            self.settings.webhooks,
            Origin(socket.gethostname(), self.settings.listen.url),
            session,
            self.metrics.failed,
        )
        await webhooks.begin()
        self.observers.append(webhooks)
        self.works.append(webhooks.run)

    def operations(self, guard: Guard, siblings: Siblings | None) -> Site:
        """Return the site of metrics and health, which is asked before all others."""
        driver = self.stores.driver

        async def storage() -> None:
            await in_thread(driver.check)

        checks = {"database": self.stores.catalog.check, "storage": storage}
        readiness = Readiness(checks, failed=self.metrics.failed)
        self.stack.push_async_callback(readiness.close)
        figures = Figures(self.metrics, siblings)
        self.works.append(figures.leave)
        return OperationsSite(figures, readiness, guard, self.settings.operation.metrics)

    async def sites(self, guard: Guard, backend: Backend) -> list[Site]:
        """Return the sites of clients and of people."""
        protocol = ProtocolSite(backend, guard, self.settings.limits)
        behind: list[Site] = [MeasuredSite(protocol, self.metrics), SearchSite(backend, guard)]
        sites = access_sites(guard, self.settings.access.rates, time.time, behind)
        if self.settings.operation.pages:
            # Here, so that a registry without pages does not load their templates' language.
            from wherry.registry.server.pages.site import PagesSite  # noqa: PLC0415

            secret = await self.stores.catalog.secret(_SESSIONS, secrets.token_bytes(32))
            sites.append(PagesSite(backend, guard, secret))
        return sites

    def collection(self) -> None:
        """Have garbage collected every so often."""
        collection = self.settings.collection
        collector = Collector(
            self.stores.catalog,
            self.stores.driver,
            collection,
            rules=self.settings.access.rules,
        )
        schedule = Schedule(
            self.stores.catalog, collector, collection.interval, told=self.metrics.collected
        )
        self.works.append(schedule.run)


class _Background:
    """What goes on beside the server."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = works
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Have it go on until the end."""
        for work in self._works:
            task = asyncio.create_task(work())
            task.add_done_callback(_complain)
            self._tasks.append(task)

    async def end(self) -> None:
        """Stop it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _complain(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("a part of the registry has ended, and is missing now", exc_info=error)
