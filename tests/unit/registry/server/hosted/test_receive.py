from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wherry.base.errors import UnavailableError
from wherry.registry.blobdrivers.driver import ObjectNotFoundError, new_key
from wherry.registry.blobdrivers.files import FileDriver
from wherry.registry.server.backend import TooLargeError
from wherry.registry.server.hosted.receive import Arrival, new_hash

PIECE = bytes(range(256)) * 256  # 64 KiB


class GoneError(Exception):
    """The client has gone."""


async def sent(*pieces: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if broken:
        raise GoneError


@pytest.fixture
def driver(tmp_path: Path) -> FileDriver:
    return FileDriver(str(tmp_path), sync=False)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 100])
async def test_bytes_become_an_object_and_are_hashed(driver: FileDriver, count: int) -> None:
    arrival, key, running = Arrival(sent(*[PIECE] * count)), new_key(), new_hash()
    assert await arrival.begin()
    assert await arrival.write(driver, key, running) == count * len(PIECE)
    assert b"".join(driver.read(key)) == PIECE * count
    assert running.hexdigest() == hashlib.sha256(PIECE * count).hexdigest()
    assert arrival.error is None


async def test_nothing_comes_of_nothing(driver: FileDriver) -> None:
    assert not await Arrival(sent()).begin()
    assert not await Arrival(sent(b"", b"")).begin()


@pytest.mark.parametrize("count", [1, 100])
async def test_what_came_before_the_end_is_kept(driver: FileDriver, count: int) -> None:
    arrival, key, running = Arrival(sent(*[PIECE] * count, broken=True)), new_key(), new_hash()
    assert await arrival.begin()
    assert await arrival.write(driver, key, running) == count * len(PIECE)
    assert isinstance(arrival.error, GoneError)
    assert running.hexdigest() == hashlib.sha256(PIECE * count).hexdigest()


@pytest.mark.parametrize("count", [1, 100])
async def test_too_much_leaves_nothing(driver: FileDriver, count: int) -> None:
    arrival, key = Arrival(sent(*[PIECE] * count), limit=count * len(PIECE) - 1), new_key()

    async def received() -> None:
        await arrival.begin()
        await arrival.write(driver, key, None)

    with pytest.raises(TooLargeError):
        await received()
    with pytest.raises(ObjectNotFoundError):
        driver.size(key)


async def test_exactly_as_much_as_there_is_room_for(driver: FileDriver) -> None:
    arrival = Arrival(sent(PIECE), limit=len(PIECE))
    assert await arrival.begin()
    assert await arrival.write(driver, new_key(), None) == len(PIECE)


async def test_a_failing_disk_is_told(tmp_path: Path) -> None:
    driver = FileDriver(str(tmp_path / "root"), sync=False)
    arrival, key = Arrival(sent(*[PIECE] * 100)), new_key()
    shutil.rmtree(tmp_path / "root")
    assert await arrival.begin()
    with pytest.raises(UnavailableError):
        await arrival.write(driver, key, None)


async def test_one_that_is_cancelled_leaves_nothing(driver: FileDriver) -> None:
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield PIECE
        more.set()
        await asyncio.Event().wait()

    arrival, key = Arrival(slow()), new_key()
    assert await arrival.begin()
    writing = asyncio.ensure_future(arrival.write(driver, key, None))
    await more.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    with pytest.raises(ObjectNotFoundError):
        driver.size(key)
