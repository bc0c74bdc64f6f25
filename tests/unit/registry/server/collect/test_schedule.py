from __future__ import annotations

import asyncio

import pytest

from fixtures.hosted_parts import Parts
from wherry.base.errors import UnavailableError
from wherry.registry.server.collect.collector import Collector
from wherry.registry.server.collect.report import Report
from wherry.registry.server.collect.schedule import Schedule


class Failing(Collector):
    """A collector whose storage is away, or that has a fault."""

    failure: Exception

    async def run(self) -> Report:
        raise self.failure


def collector(parts: Parts) -> Collector:
    return Collector(parts.catalog, parts.driver, parts.settings.collection, parts.clock)


async def test_one_process_collects_until_it_is_gone(parts: Parts) -> None:
    first, second = (
        Schedule(parts.catalog, collector(parts), 100, clock=parts.clock) for _ in range(2)
    )
    assert await first.once()
    assert not await second.once()
    parts.now += 100
    assert not await second.once()
    assert await first.once()
    parts.now += 260
    assert await second.once()
    assert not await first.once()


class Slow(Collector):
    """A collector whose run takes until it is allowed to end."""

    began: asyncio.Event
    end: asyncio.Event

    async def run(self) -> Report:
        self.began.set()
        await self.end.wait()
        return Report()


async def test_a_long_run_keeps_the_others_away(parts: Parts) -> None:
    slow = Slow(parts.catalog, parts.driver, parts.settings.collection, parts.clock)
    slow.began, slow.end = asyncio.Event(), asyncio.Event()
    renewed = asyncio.Event()
    claim = parts.catalog.claim

    async def claimed(task: str, owner: str, now: float, until: float) -> bool:
        had = await claim(task, owner, now, until)
        if now > 1_000_000.0:
            renewed.set()
        return had

    parts.catalog.claim = claimed  # type: ignore[method-assign]
    first = Schedule(parts.catalog, slow, 0.01, clock=parts.clock)
    second = Schedule(parts.catalog, collector(parts), 0.01, clock=parts.clock)
    running = asyncio.ensure_future(first.once())
    await slow.began.wait()
    parts.now += 0.02
    await renewed.wait()
    parts.now += 0.02
    parts.catalog.claim = claim  # type: ignore[method-assign]
    assert not await second.once()
    slow.end.set()
    assert await running


async def test_it_goes_on_and_tells(parts: Parts) -> None:
    reports: list[Report] = []
    told = asyncio.Event()

    def tell(report: Report) -> None:
        reports.append(report)
        if len(reports) == 3:
            told.set()

    schedule = Schedule(parts.catalog, collector(parts), 0.01, clock=parts.clock, told=tell)
    running = asyncio.ensure_future(schedule.run())
    await told.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_without_an_interval_there_is_none(parts: Parts) -> None:
    await Schedule(parts.catalog, collector(parts), 0, clock=parts.clock).run()


@pytest.mark.parametrize("failure", [UnavailableError("the disk is away"), ZeroDivisionError()])
async def test_a_failure_is_logged_and_tried_again(
    parts: Parts, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(parts.catalog, parts.driver, parts.settings.collection, parts.clock)
    failing.failure = failure
    schedule = Schedule(parts.catalog, failing, 100, clock=parts.clock)
    assert not await schedule.once()
    assert not await schedule.once()
    assert caplog.text.count("collection failed, and is tried again") == 2
