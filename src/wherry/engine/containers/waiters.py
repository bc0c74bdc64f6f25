"""Who waits for what to happen to which container."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from wherry.engine.containers.record import Container


class Condition(StrEnum):
    """What a waiter waits for, in the API's words."""

    NOT_RUNNING = "not-running"
    NEXT_EXIT = "next-exit"
    REMOVED = "removed"


class Waiter:
    """A registered wait: made at once, so that nothing between asking and waiting is missed."""

    def __init__(self, future: asyncio.Future[tuple[int, str | None]]) -> None:
        self._future = future

    async def result(self) -> tuple[int, str | None]:
        """Return the exit code and an error text, once it has happened."""
        return await self._future


class Waiters:
    """All waiters. Lives on the event loop."""

    def __init__(self) -> None:
        self._waiting: dict[
            str, list[tuple[Condition, asyncio.Future[tuple[int, str | None]]]]
        ] = {}

    def add(self, container: Container, condition: Condition) -> Waiter:
        """Register a waiter; one whose condition holds already has its result."""
        future: asyncio.Future[tuple[int, str | None]] = asyncio.get_running_loop().create_future()
        state = container.state
        if condition is Condition.NOT_RUNNING and not state.running:
            future.set_result((state.exit_code, state.error or None))
        else:
            self._waiting.setdefault(container.id, []).append((condition, future))
            future.add_done_callback(lambda _: self._drop(container.id, future))
        return Waiter(future)

    def _drop(self, identifier: str, future: asyncio.Future[tuple[int, str | None]]) -> None:
        left = [entry for entry in self._waiting.get(identifier, []) if entry[1] is not future]
        if left:
            self._waiting[identifier] = left
        else:
            self._waiting.pop(identifier, None)

    def exited(self, container: Container) -> None:
        """Tell those who wait for the end of a run."""
        self._tell(
            container, (Condition.NOT_RUNNING, Condition.NEXT_EXIT), container.state.error or None
        )

    def removed(self, container: Container) -> None:
        """Tell everybody: nothing further will happen."""
        self._tell(container, tuple(Condition), None)

    def _tell(
        self, container: Container, conditions: tuple[Condition, ...], error: str | None
    ) -> None:
        result = (container.state.exit_code, error)
        for condition, future in list(self._waiting.get(container.id, [])):
            if condition in conditions and not future.done():
                future.set_result(result)
