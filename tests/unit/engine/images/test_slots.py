"""Places that transfers share."""

from __future__ import annotations

import asyncio

from wherry.engine.images.slots import Slots


class Crowd:
    """Tasks that take a place and keep it until they are told to leave."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.inside: list[int] = []
        self.leave: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def come(self, *numbers: int) -> None:
        for number in numbers:
            self.leave[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._stay(number))

    async def _stay(self, number: int) -> None:
        async with self.slots:
            self.inside.append(number)
            try:
                await self.leave[number].wait()
            finally:
                self.inside.remove(number)

    async def go(self, *numbers: int) -> None:
        for number in numbers:
            self.leave[number].set()
        await asyncio.gather(*(self.tasks[number] for number in numbers))
        await settle()


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_waits_longest_is_the_next() -> None:
    crowd = Crowd(Slots(2))
    crowd.come(1, 2, 3, 4)
    await settle()
    assert crowd.inside == [1, 2]
    await crowd.go(2)
    assert crowd.inside == [1, 3]
    await crowd.go(1, 3)
    assert crowd.inside == [4]
    await crowd.go(4)


async def test_more_places_are_taken_at_once_and_fewer_when_there_is_room() -> None:
    slots = Slots(1)
    crowd = Crowd(slots)
    crowd.come(1, 2, 3, 4)
    await settle()
    slots.resize(3)
    await settle()
    assert crowd.inside == [1, 2, 3]
    slots.resize(1)
    await crowd.go(1, 2)
    assert crowd.inside == [3]
    await crowd.go(3)
    assert crowd.inside == [4]
    await crowd.go(4)


async def test_who_stops_waiting_takes_no_place_away() -> None:
    crowd = Crowd(Slots(1))
    crowd.come(1, 2, 3)
    await settle()
    crowd.tasks[2].cancel()
    await crowd.go(1)
    assert crowd.inside == [3]
    await crowd.go(3)


async def test_a_place_that_was_given_to_somebody_who_left_goes_on() -> None:
    crowd = Crowd(Slots(1))
    crowd.come(1, 2, 3)
    await settle()
    crowd.leave[1].set()
    await asyncio.wait([crowd.tasks[1]])
    # 2 has been given the place, and does not know it yet.
    crowd.tasks[2].cancel()
    await settle()
    assert crowd.inside == [3]
    await crowd.go(3)


async def test_there_is_always_one_place() -> None:
    crowd = Crowd(Slots(0))
    crowd.come(1)
    await settle()
    assert crowd.inside == [1]
    await crowd.go(1)
