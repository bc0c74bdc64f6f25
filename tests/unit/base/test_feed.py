"""Bytes from the event loop to a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from wherry.base.errors import CancelledError, InvalidError
from wherry.base.feed import Feed, fed


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        await asyncio.sleep(0)
        yield piece


async def test_a_thread_reads_what_arrives() -> None:
    assert await fed(pieces(b"ab", b"", b"cde"), lambda feed: feed.read()) == b"abcde"


async def test_small_reads_take_pieces_apart() -> None:
    def work(feed: Feed) -> list[bytes]:
        return list(iter(lambda: feed.read(2), b""))

    assert await fed(pieces(b"abc", b"de"), work) in (
        [b"ab", b"cd", b"e"],
        [b"ab", b"c", b"de"],
    )


async def test_more_than_fits_waits_for_the_reader() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield bytes(1 << 20)

    going = threading.Event()

    def work(feed: Feed) -> int:
        assert going.wait(10)
        return len(feed.read())

    reading = asyncio.ensure_future(fed(endless(), work))
    while taken < 8:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert taken < 12
    going.set()
    assert await reading == 64 << 20


async def test_what_the_source_raises_is_raised() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        await fed(broken(), lambda feed: feed.read())


async def test_what_the_work_raises_is_raised_before_the_source_has_ended() -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    def work(feed: Feed) -> None:
        feed.read(1)
        raise InvalidError("no archive")

    with pytest.raises(InvalidError, match="no archive"):
        await fed(silent(), work)


async def test_a_cancelled_wait_ends_the_thread() -> None:
    began, ended = threading.Event(), threading.Event()

    async def silent() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    def work(feed: Feed) -> None:
        began.set()
        try:
            feed.read(1)
        except CancelledError:
            ended.set()
            raise

    reading = asyncio.ensure_future(fed(silent(), work))
    await asyncio.to_thread(began.wait, 10)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert ended.is_set()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
async def test_reads_of_any_size_give_all(size: int) -> None:
    def work(feed: Feed) -> bytes:
        parts = []
        while part := feed.read(size):
            assert len(part) <= size
            parts.append(part)
        return b"".join(parts) + feed.read(5)

    assert await fed(pieces(b"ab", b"", b"cdefg", b"h", b""), work) == b"abcdefgh"
