"""Garbage collection and retention, while everything goes on.

A run takes away, in this order: uploads that nobody continues, tags that retention does not keep,
manifests that nothing leads to any more (where a rule asks for it), blobs that no manifest names
and nobody has asked for during the grace, and objects that belong to nothing. Every step is a
bounded transaction of the catalog that checks again, under its locks, whether what it takes is
still not needed; so a run can be stopped or killed anywhere, and several at once do no harm.
Between two steps it rests for about as long as the step took, for those who push and pull.

What is being pushed is not lost: a push sends blobs, then manifests, then the index that holds
them, and each of these is left alone for the grace, even where a rule would have untagged manifests
go at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from wherry.base.crossing import in_thread
from wherry.registry.blobdrivers.driver import BlobDriver
from wherry.registry.server.catalog.catalog import Catalog
from wherry.registry.server.collect.keeping import Keeping
from wherry.registry.server.collect.names import all_names
from wherry.registry.server.collect.report import Drop, Report
from wherry.registry.server.hosted.immutable import ImmutableTags
from wherry.registry.server.settings import Collection, Rule

BY = "retention"  # who events say has deleted a tag
_TAGS = 100
_BLOBS = 500
_OBJECTS = 500
_LONGEST_REST = 0.2
Result = TypeVar("Result")


class Collector:
    """Collects. `rules` are those of access: immutable tags stay. Safe in any number of processes.

    `clock` is in seconds since the epoch, like the catalog's times.
    """

    def __init__(
        self,
        catalog: Catalog,
        driver: BlobDriver,
        settings: Collection,
        clock: Callable[[], float] = time.time,
        *,
        rules: Sequence[Rule] = (),
    ) -> None:
        self._catalog = catalog
        self._driver = driver
        self._settings = settings
        self._clock = clock
        self._keeping = Keeping(settings.retention, ImmutableTags(rules))

    async def run(self) -> Report:
        """Do all of it once; raises UnavailableError when catalog or storage is away."""
        report, began = Report(), time.monotonic()
        now = self._clock()
        report.uploads = await self._catalog.expire_uploads(now - self._settings.uploads, now)
        if self._keeping.any:
            async for name in all_names(self._catalog):
                await self._retain(name, report)
        # What becomes idle or due meanwhile is the next run's: this one has to come to an end.
        await self._unlink(self._clock(), report)
        await self._bury(self._clock(), report)
        report.seconds = time.monotonic() - began
        return report

    async def plan(self) -> list[Drop]:
        """Return the tags that retention would drop now, and change nothing."""
        drops: list[Drop] = []
        if self._keeping.any:
            async for name in all_names(self._catalog):
                rows = await self._catalog.tag_rows(name)
                gone = self._keeping.dropped(name, rows, self._clock())
                drops += [Drop(name, row.name, row.digest, row.pushed) for row in gone]
        return drops

    async def _retain(self, name: str, report: Report) -> None:
        rule = self._keeping.rule_for(name)
        if rule is None:
            return
        now = self._clock()
        gone = self._keeping.dropped(name, await self._catalog.tag_rows(name), now)
        for first in range(0, len(gone), _TAGS):
            some = gone[first : first + _TAGS]
            report.tags += await _rested(self._catalog.drop_tags(name, some, BY, now))
        if rule.keep_untagged is None:
            return
        before = now - max(rule.keep_untagged, self._settings.grace)
        # An index that goes leaves its manifests without anything that leads to them.
        while True:
            unlinked = await _rested(self._catalog.drop_untagged(name, before, now))
            report.manifests += unlinked.manifests
            if not unlinked.manifests:
                return

    async def _unlink(self, now: float, report: Report) -> None:
        before = now - self._settings.grace
        while True:
            unlinked = await _rested(self._catalog.unlink_idle(before, now, _BLOBS))
            report.links += unlinked.links
            report.blobs += unlinked.blobs
            if not unlinked.links and not unlinked.blobs:
                return

    async def _bury(self, now: float, report: Report) -> None:
        """Delete objects: what was doomed is named again until it is said to be deleted."""
        while doomed := await self._catalog.doom(now, _OBJECTS):
            keys = [segment.key for segment in doomed]
            await _rested(in_thread(self._driver.delete, keys))
            await self._catalog.buried(keys)
            report.objects += len(doomed)
            report.bytes += sum(segment.size for segment in doomed)


async def _rested(step: Awaitable[Result]) -> Result:
    """Do a step, then leave the database and the storage to others for about as long."""
    began = time.monotonic()
    result = await step
    await asyncio.sleep(min(time.monotonic() - began, _LONGEST_REST))
    return result
