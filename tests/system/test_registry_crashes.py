"""Two processes of a registry are killed 200 times, at any moment, while clients push and delete.

What was acknowledged before is there afterwards, whole; what was deleted is gone; what nobody was
told of is there entirely or not at all. In the end, after collection, every object has a row, every
row has its object, and there is nothing else on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.registry_ledger import Load, digests_on_disk, session
from fixtures.registry_lives import GRACE, Lives, registry_lives, settings_for
from wherry.registry.server.collect.check import check
from wherry.registry.server.collect.collector import Collector
from wherry.registry.server.settings import DAY
from wherry.registry.server.stores import CATALOG_FILE, open_stores

SLOTS = (0, 1)
ROUNDS = 8
KILLS_IN_ROUND = 25
CLIENTS = 6
SEED = 20


@pytest.mark.timeout(300)
async def test_nothing_is_lost_and_nothing_leaks(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    async with registry_lives(tmp_path) as lives:
        for slot in SLOTS:
            await lives.start(slot)
        load = Load(lives.url, SEED, GRACE)
        async with session() as connections:
            load.join(connections, CLIENTS)
            for _ in range(ROUNDS):
                await crash_while_working(lives, load, draw)
                await load.verify()
        logged = lives.logged()
    assert "Traceback" not in logged, logged
    assert min(load.log[act] for act in ("push", "pull", "delete", "broken off")) > 20, load.log
    await nothing_but(tmp_path / "data", sorted(load.needed))


async def crash_while_working(lives: Lives, load: Load, draw: random.Random) -> None:
    """Kill one process after another, sometimes both, at any moment of what clients do."""
    working = asyncio.ensure_future(load.run())
    for _ in range(KILLS_IN_ROUND):
        await asyncio.wait([working], timeout=draw.uniform(0.02, 0.16))
        if working.done():
            break
        slots = SLOTS if draw.random() < 0.1 else (draw.choice(SLOTS),)
        for slot in slots:
            await lives.kill(slot)
        for slot in slots:
            await lives.start(slot)
    load.stop()
    await working


async def nothing_but(root: Path, needed: list[str]) -> None:
    """Collect all that can be collected, and compare the disk with what images need."""
    settings = settings_for(str(root), 0)
    later = time.time() + 10 * DAY
    collection = replace(settings.collection, grace=0.0, uploads=0.0)
    async with contextlib.AsyncExitStack() as stack:
        stores = await open_stores(settings, stack)
        await Collector(stores.catalog, stores.driver, collection, lambda: later).run()
        assert digests_on_disk(root) == needed
        report = await check(stores.catalog, stores.driver, read=True)
        assert report.sound, report.words()
        assert report.blobs == report.objects == len(needed)
        assert await stores.catalog.doom(later, 1) == []
    left = {
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root)
        for name in names
    }
    objects = {name for name in left if name.startswith("objects/")}
    assert len(objects) == len(needed)
    assert {name for name in left - objects if not name.startswith(CATALOG_FILE)} == set()
