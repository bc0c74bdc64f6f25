"""Waiting for output: nothing is slept over, and everybody is woken at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fixtures.recorder import Recorder
from wherry.logs.follower import Follower
from wherry.logs.reader import Query
from wherry.logs.record import Kind
from wherry.logs.watch import LogWatch, stream_chunks, stream_lines


@pytest.fixture
async def watch() -> AsyncIterator[LogWatch]:
    made = LogWatch()
    yield made
    made.close()


async def collected(stream: AsyncIterator[object]) -> list[object]:
    async with asyncio.timeout(10):
        return [item async for item in stream]


async def test_chunks_are_streamed_until_the_run_ends(recorder: Recorder, watch: LogWatch) -> None:
    follower = Follower(recorder.directory)
    task = asyncio.create_task(collected(stream_chunks(watch, recorder.directory, follower)))
    for number in range(5):
        recorder.say(number, f"{number} ")
        await asyncio.sleep(0)
    recorder.mark(6, Kind.RUN_END)
    chunks = await task
    assert b"".join(chunk.data for chunk in chunks) == b"0 1 2 3 4 "  # type: ignore[attr-defined]
    follower.close()


async def test_lines_are_streamed_over_rotations(rotating: Recorder, watch: LogWatch) -> None:
    query = Query(follow=True)
    task = asyncio.create_task(collected(stream_lines(watch, rotating.directory, query)))
    await asyncio.sleep(0)
    for number in range(20):
        rotating.say(number, f"a longish line, number {number}\n")
        await asyncio.sleep(0.001)  # lets the reader keep up with what rotation removes
    rotating.mark(21, Kind.RUN_END)
    assert len(await task) == 20


async def test_a_stream_that_does_not_follow_ends(recorder: Recorder, watch: LogWatch) -> None:
    recorder.say(1, "there\n")
    assert len(await collected(stream_lines(watch, recorder.directory, Query()))) == 1


async def test_finish_ends_all_streams_of_a_directory(recorder: Recorder, watch: LogWatch) -> None:
    recorder.say(1, "half a line")
    query = Query(follow=True)
    streams = [stream_lines(watch, recorder.directory, query) for _ in range(3)]
    tasks = [asyncio.create_task(collected(stream)) for stream in streams]
    await asyncio.sleep(0.01)
    watch.finish(recorder.directory)
    assert [len(await task) for task in tasks] == [1, 1, 1]


async def test_a_change_before_the_wait_is_remembered(recorder: Recorder, watch: LogWatch) -> None:
    with watch.subscribe(recorder.directory) as news:
        recorder.say(1, "now\n")
        async with asyncio.timeout(10):
            await news.changed()


async def test_a_missing_directory_is_told_at_once(watch: LogWatch) -> None:
    with pytest.raises(FileNotFoundError):
        watch.subscribe("/nowhere/at/all")
