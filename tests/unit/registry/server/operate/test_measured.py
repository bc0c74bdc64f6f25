"""What is counted on its way changes nothing, and failures are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from fixtures.exchanges import exchange
from fixtures.prometheus import read_metrics, value
from wherry.registry.blobdrivers.driver import (
    Key,
    ObjectNotFoundError,
    StorageUnavailableError,
    new_key,
)
from wherry.registry.blobdrivers.files import FileDriver
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.operate.exposition import render
from wherry.registry.server.operate.measured import MeasuredDriver, MeasuredSite
from wherry.registry.server.operate.metrics import Metrics


def failures(metrics: Metrics) -> float:
    samples = read_metrics(render(metrics.families()).decode())
    try:
        return value(samples, "wherry_registry_failures_total", part="storage")
    except KeyError:
        return 0


def test_objects_come_and_go_as_without(tmp_path: Path) -> None:
    metrics = Metrics()
    driver = MeasuredDriver(FileDriver(str(tmp_path)), metrics)
    first, second, both = new_key(), new_key(), new_key()
    assert driver.write(first, [b"one"]) == 3
    assert driver.write(second, [b"two"]) == 3
    assert driver.compose(both, [first, second]) == 6
    assert driver.size(both) == 6
    assert b"".join(driver.read(both, 2, 2)) == b"et"
    assert {found.key for found in driver.walk()} == {first, second, both}
    driver.source(both)
    driver.check()
    driver.delete([first, second, both])
    with pytest.raises(ObjectNotFoundError):
        driver.size(first)
    assert failures(metrics) == 0


class Broken(FileDriver):
    """Is away."""

    def size(self, key: Key) -> int:
        raise StorageUnavailableError("away")

    def read(self, key: Key, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        yield b"a piece"
        raise StorageUnavailableError("away")

    def delete(self, keys: Sequence[Key]) -> None:
        raise StorageUnavailableError("away")


def test_failures_are_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    driver = MeasuredDriver(Broken(str(tmp_path)), metrics)
    with pytest.raises(StorageUnavailableError):
        driver.size(new_key())
    with pytest.raises(StorageUnavailableError):
        list(driver.read(new_key()))
    with pytest.raises(StorageUnavailableError):
        driver.delete([])
    assert failures(metrics) == 3


class Receiving:
    """A site that takes its time."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.done = asyncio.Event()

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        self.asked.set()
        await self.done.wait()
        raise ConnectionResetError


async def test_uploads_are_counted_while_they_arrive() -> None:
    metrics, site = Metrics(), Receiving()
    measured = MeasuredSite(site, metrics)
    task = asyncio.create_task(measured.answer(exchange("PATCH", "/v2/a/blobs/uploads/1")))
    await site.asked.wait()
    assert metrics.uploads == 1
    site.done.set()
    with pytest.raises(ConnectionResetError):
        await task
    assert metrics.uploads == 0


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/a/blobs/uploads/1"), ("PUT", "/v2/a/manifests/1")]
)
async def test_nothing_else_is_an_upload(method: str, path: str) -> None:
    metrics, site = Metrics(), Receiving()
    task = asyncio.create_task(MeasuredSite(site, metrics).answer(exchange(method, path)))
    await site.asked.wait()
    assert metrics.uploads == 0
    site.done.set()
    with pytest.raises(ConnectionResetError):
        await task
