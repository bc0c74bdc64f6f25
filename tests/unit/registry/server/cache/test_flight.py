"""One blob on its way: readers of every kind, wrong bytes, no room, and ends of all sorts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from wherry.base.errors import UnavailableError, WherryError
from wherry.oci.digest import digest_bytes
from wherry.registry.server.cache import flight as module
from wherry.registry.server.cache.flight import Flight, NotKeptError
from wherry.registry.server.cache.upstream import UpstreamAwayError, UpstreamFaultError

CHUNKS = [b"one,", b"two,", b"three,", b"four,", b"five"]
BODY = b"".join(CHUNKS)


class Case:
    """A flight over chunks that are let go one by one, into a list."""

    def __init__(self, chunks: list[bytes] = CHUNKS, body: bytes = BODY) -> None:
        self.chunks = chunks
        self.flight = Flight(digest_bytes(body), len(body))
        self.kept: list[bytes] = []
        self.keeping_fails: WherryError | None = None
        self.download_fails: WherryError | None = None
        self.go = asyncio.Semaphore(0)
        self.taken = 0
        self.task = asyncio.create_task(self.flight.run(self._download, self._keep))

    async def _download(self, sink: Callable[[bytes], Awaitable[None]]) -> None:
        for chunk in self.chunks:
            await self.go.acquire()
            await sink(chunk)
            self.taken += 1
        await self.go.acquire()
        if self.download_fails:
            raise self.download_fails

    async def _keep(self, chunks: AsyncIterator[bytes]) -> None:
        if self.keeping_fails:
            raise self.keeping_fails
        kept = [chunk async for chunk in chunks]
        self.kept = kept

    def release(self, count: int = 100) -> None:
        """Let so many chunks come; the end is one as well."""
        for _ in range(count):
            self.go.release()

    async def read_kept(self, position: int) -> AsyncGenerator[bytes, None]:
        """Read on from what was kept."""
        yield b"".join(self.kept)[position:]

    def reader(self) -> AsyncGenerator[bytes, None]:
        """Return a reader that has not begun."""
        return self.flight.read(self.read_kept)

    async def whole(self) -> bytes:
        """Read all."""
        return b"".join([piece async for piece in self.reader()])


async def test_bytes_come_as_they_arrive() -> None:
    case = Case()
    reader = case.reader()
    for chunk in CHUNKS[:-1]:
        case.release(1)
        assert await anext(reader) == chunk
    case.release()
    assert await anext(reader) == CHUNKS[-1]
    await case.task
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    assert case.kept == CHUNKS


async def test_the_last_byte_waits_for_the_digest() -> None:
    case = Case()
    reader = case.reader()
    case.release(len(CHUNKS))  # all bytes, but not yet their end
    for chunk in CHUNKS[:-1]:
        assert await anext(reader) == chunk
    last = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0.01)
    assert not last.done()
    case.release(1)
    assert await last == CHUNKS[-1]
    await case.task


async def test_wrong_bytes_break_off_and_are_not_kept() -> None:
    case = Case(chunks=[*CHUNKS[:-1], b"FIVE"])
    reader = case.reader()
    case.release()
    assert [await anext(reader) for _ in CHUNKS[:-1]] == CHUNKS[:-1]
    with pytest.raises(UpstreamFaultError, match="other bytes"):
        await anext(reader)
    await case.task
    assert case.kept == []


async def test_many_readers_at_once() -> None:
    case = Case()
    case.release(2)
    readers = [asyncio.create_task(case.whole()) for _ in range(5)]
    await asyncio.sleep(0.01)
    case.release()
    assert await asyncio.gather(*readers) == [BODY] * 5
    await case.task


async def test_readers_outside_of_the_window_go_on_from_what_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WINDOW", 8)
    case = Case()
    slow = case.reader()
    case.release(1)
    assert await anext(slow) == CHUNKS[0]
    case.release(len(CHUNKS) - 1)
    while case.taken < len(CHUNKS):
        await asyncio.sleep(0)
    late = asyncio.create_task(case.whole())
    behind = asyncio.ensure_future(anext(slow))
    await asyncio.sleep(0.01)
    assert not late.done()
    assert not behind.done()
    case.release()
    assert await late == BODY
    assert await behind == BODY[len(CHUNKS[0]) :]
    await case.task


async def test_it_goes_on_when_its_readers_leave() -> None:
    case = Case()
    reader = case.reader()
    case.release(1)
    await anext(reader)
    await reader.aclose()
    case.release()
    await case.task
    assert case.kept == CHUNKS


async def test_an_upstream_that_breaks_off() -> None:
    case = Case(chunks=CHUNKS[:2])
    case.download_fails = UpstreamAwayError("gone")
    case.release()
    with pytest.raises(UpstreamAwayError, match="gone"):
        await case.whole()
    await case.task
    assert case.kept == []
    with pytest.raises(UpstreamAwayError, match="gone"):
        await case.whole()


async def test_no_room_to_keep_it() -> None:
    """Readers get it all the same; more chunks come than could wait for somebody."""
    chunks = [b"%03d," % number for number in range(50)]
    case = Case(chunks, b"".join(chunks))
    case.keeping_fails = UnavailableError("full")
    reader = asyncio.create_task(case.whole())
    await asyncio.sleep(0)
    case.release()
    assert await reader == b"".join(chunks)
    await case.task


async def test_no_room_and_nobody_reads() -> None:
    chunks = [b"%03d," % number for number in range(50)]
    case = Case(chunks, b"".join(chunks))
    case.keeping_fails = UnavailableError("full")
    case.release()
    await case.task
    assert case.taken < len(chunks)


async def test_no_room_and_a_reader_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW", 8)
    case = Case()
    case.keeping_fails = UnavailableError("full")
    first = case.reader()
    case.release(1)
    await anext(first)
    case.release(3)
    while case.taken < 4:
        await asyncio.sleep(0)
    with pytest.raises(NotKeptError, match="full"):
        await case.whole()
    await first.aclose()
    case.release()
    await case.task


async def test_an_empty_blob() -> None:
    case = Case([], b"")
    case.release()
    assert await case.whole() == b""
    await case.task


async def test_what_is_not_the_empty_blob() -> None:
    case = Case([], b"x")
    case.release()
    with pytest.raises(UpstreamFaultError):
        await case.whole()
    await case.task


async def test_stopping_breaks_readers_off() -> None:
    case = Case()
    case.release(1)
    reader = case.reader()
    await anext(reader)
    case.task.cancel()
    with pytest.raises(UnavailableError, match="stopped"):
        await anext(reader)
    with pytest.raises(asyncio.CancelledError):
        await case.task
    assert case.kept == []


async def test_stopping_while_it_is_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes have all come, and a late reader waits for the storage."""
    monkeypatch.setattr(module, "WINDOW", 8)
    case = Case()
    keeping = asyncio.Event()

    async def keep(chunks: AsyncIterator[bytes]) -> None:
        async for _ in chunks:
            pass
        keeping.set()
        await asyncio.Event().wait()

    case.task.cancel()
    case.task = asyncio.create_task(case.flight.run(case._download, keep))
    case.release()
    await keeping.wait()
    late = asyncio.create_task(case.whole())
    await asyncio.sleep(0.01)
    case.task.cancel()
    with pytest.raises(NotKeptError, match="stopped"):
        await late
    with pytest.raises(asyncio.CancelledError):
        await case.task
