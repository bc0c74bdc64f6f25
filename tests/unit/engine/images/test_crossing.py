"""Streams between the event loop and threads."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator

import pytest

from wherry.engine.images.crossing import spooled, streamed
from wherry.store.layers.compression import Writable


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def test_what_is_written_arrives_in_order() -> None:
    def work(sink: Writable) -> None:
        for number in range(1000):
            sink.write(number.to_bytes(2, "big") * 500)

    data = b"".join([piece async for piece in streamed(work)])
    assert data == b"".join(number.to_bytes(2, "big") * 500 for number in range(1000))


async def test_nothing_written_is_an_empty_stream() -> None:
    assert [piece async for piece in streamed(lambda _: None)] == []


async def test_an_error_comes_after_what_was_written() -> None:
    def work(sink: Writable) -> None:
        sink.write(bytes(1 << 20))
        raise KeyError("broken")

    stream = streamed(work)
    assert len(await anext(stream)) == 1 << 20
    with pytest.raises(KeyError):
        await anext(stream)


async def test_who_stops_reading_ends_the_writer() -> None:
    ended, steps = threading.Event(), []

    def work(sink: Writable) -> None:
        try:
            for number in range(100_000):
                sink.write(bytes(1 << 18))
                steps.append(number)
        finally:
            ended.set()

    stream = streamed(work)
    assert len(await anext(stream)) == 1 << 18
    await asyncio.wait_for(stream.aclose(), 10)  # type: ignore[attr-defined]
    assert ended.is_set()
    assert len(steps) < 100


async def test_a_cancelled_reader_ends_the_writer() -> None:
    ended = threading.Event()

    def work(sink: Writable) -> None:
        try:
            for _ in range(100_000):
                sink.write(bytes(1 << 18))
        finally:
            ended.set()

    async def read() -> None:
        async for _ in streamed(work):
            await asyncio.sleep(60)

    task = asyncio.ensure_future(read())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The generator is closed by the loop, which nobody has to wait for.
    assert await asyncio.to_thread(ended.wait, 10)


async def test_spooling_keeps_every_byte() -> None:
    file = io.BytesIO()
    await spooled(chunks(b"a", b"bc", b""), file)
    assert file.getvalue() == b"abc"
