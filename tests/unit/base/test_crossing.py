"""From asyncio to threads and back."""

from __future__ import annotations

import asyncio
import threading

import pytest

from wherry.base.crossing import to_the_end


async def test_what_it_returns_and_raises_comes_through() -> None:
    assert await to_the_end(lambda number: number + 1, 1) == 2
    with pytest.raises(ZeroDivisionError):
        await to_the_end(lambda: 1 / 0)


async def test_a_cancelled_caller_waits_for_the_thread() -> None:
    go, steps = threading.Event(), []

    def work() -> None:
        go.wait(10)
        steps.append("done")

    task = asyncio.ensure_future(to_the_end(work))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    assert steps == []
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["done"]


async def test_a_failure_counts_more_than_the_cancellation() -> None:
    go = threading.Event()

    def work() -> None:
        go.wait(10)
        raise KeyError("why")

    task = asyncio.ensure_future(to_the_end(work))
    await asyncio.sleep(0.01)
    task.cancel()
    go.set()
    with pytest.raises(KeyError):
        await task
