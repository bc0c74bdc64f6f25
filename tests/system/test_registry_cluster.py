"""Three processes of one registry on one bucket and one PostgreSQL, killed at any moment.

A hundred clients push and pull at once and go to another process when one does not answer. Nothing
that was acknowledged may be lost, and nothing may come back changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.object_stores import ObjectStore, running_seaweedfs
from fixtures.postgres import running_postgres
from fixtures.registry_traffic import Traffic
from fixtures.wherry_registry import WherryRegistry, running_wherry_registry

PROCESSES, CLIENTS, IMAGES_EACH, FEWEST_KILLS = 3, 100, 2, 5
CONFIGURATION = """
database = "{database}"

[listen]
address = "127.0.0.1"
port = {port}

[storage]
driver = "s3"
bucket = "{bucket}"
endpoint = "{endpoint}"
access_key = "{access_key}"
secret_key = "{secret_key}"
prefix = "cluster"

[collection]
interval = "2s"
grace = "60s"
"""


@contextlib.contextmanager
def cluster(folder: Path, store: ObjectStore, database: str) -> Iterator[list[WherryRegistry]]:
    """Start the processes; none of them has anything that the others have not."""
    with contextlib.ExitStack() as stack:
        made = []
        for number in range(PROCESSES):
            text = CONFIGURATION
            for name, value in (
                ("database", database), ("bucket", store.bucket), ("endpoint", store.endpoint),
                ("access_key", store.access_key), ("secret_key", store.secret_key),
            ):  # fmt: skip
                text = text.replace(f"{{{name}}}", value)
            made.append(stack.enter_context(running_wherry_registry(folder / str(number), text)))
        yield made


async def disturb(
    processes: list[WherryRegistry], source: random.Random, ended: asyncio.Event
) -> int:
    """Kill one process after another at moments that nobody can foresee, and start it again.

    Returns how many that were, once the others have ended.
    """
    kills = 0
    while not ended.is_set():
        await asyncio.sleep(source.uniform(0.05, 0.8))
        victim = source.choice(processes)
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(source.uniform(0, 0.3))
        await asyncio.to_thread(victim.start)
        kills += 1
    return kills


async def client(traffic: Traffic, number: int, source: random.Random) -> None:
    """Push images, and pull what anybody has pushed."""
    for turn in range(IMAGES_EACH):
        await traffic.push(f"team/app-{number % 20}", f"{number}-{turn}")
        await traffic.pull(source.choice(traffic.pushed))


@pytest.mark.timeout(300)
async def test_processes_are_killed_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    source = random.Random(seed)
    print("seed", seed)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(running_seaweedfs(tmp_path / "weed"))
        postgres = stack.enter_context(running_postgres(tmp_path / "postgres"))
        processes = stack.enter_context(
            cluster(tmp_path / "registries", store, postgres.new_database())
        )
        urls = [process.url for process in processes]
        async with Traffic(urls, seed) as traffic:
            ended = asyncio.Event()
            disturbing = asyncio.create_task(disturb(processes, source, ended))
            try:
                await asyncio.gather(*(client(traffic, n, source) for n in range(CLIENTS)))
            finally:
                ended.set()
                kills = await disturbing
            assert kills >= FEWEST_KILLS
            assert len(traffic.pushed) == CLIENTS * IMAGES_EACH
            # Each process alone has everything.
            for number, image in enumerate(traffic.pushed):
                await traffic.pull(image, urls[number % PROCESSES])
