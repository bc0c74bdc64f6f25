"""Callers with one question share the answer, and one that leaves takes nothing from others."""

from __future__ import annotations

import asyncio

import pytest

from wherry.registry.server.cache.singleflight import SingleFlight


async def test_one_answer_for_all() -> None:
    flight: SingleFlight[int] = SingleFlight()
    runs: list[int] = []

    async def work() -> int:
        runs.append(1)
        await asyncio.sleep(0)
        return len(runs)

    assert await asyncio.gather(*(flight.run("a", work) for _ in range(5))) == [1] * 5
    assert await flight.run("a", work) == 2
    assert await asyncio.gather(flight.run("a", work), flight.run("b", work)) == [4, 4]


async def test_a_failure_is_everybodys() -> None:
    flight: SingleFlight[int] = SingleFlight()

    async def work() -> int:
        await asyncio.sleep(0)
        raise KeyError("x")

    results = await asyncio.gather(
        *(flight.run("a", work) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [KeyError] * 3


async def test_a_caller_that_leaves() -> None:
    flight: SingleFlight[str] = SingleFlight()
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    first = asyncio.create_task(flight.run("a", work))
    second = asyncio.create_task(flight.run("a", work))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "done"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_closing() -> None:
    flight: SingleFlight[None] = SingleFlight()
    waiting = asyncio.create_task(flight.run("a", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await flight.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
