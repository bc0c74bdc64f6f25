"""Keepers as the engine has them, with a launcher that needs no namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fixtures import fake_launcher
from fixtures.keepers import Bench, keepers_of
from fixtures.waiting import PATIENCE
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord


class Engine:
    """An engine's supervision over a bench, and the exits that it was told."""

    def __init__(self, bench: Bench, count: int) -> None:
        self.exits: asyncio.Queue[ExitRecord] = asyncio.Queue()
        self.keepers = Keepers(
            bench.exec_root, count, self.exits.put_nowait, fake_launcher.program()
        )

    async def exit(self) -> ExitRecord:
        """Wait for the next exit."""
        return await asyncio.wait_for(self.exits.get(), 15 * PATIENCE)

    def drop(self) -> None:
        """Let go of everything without a word, as an engine that is killed does."""
        for slot in self.keepers._slots:
            slot._closing = True
            slot.connection().close()
        for custody in self.keepers._held.values():
            custody.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
async def engines(bench: Bench) -> AsyncIterator[Callable[[int], Engine]]:
    """Makes engines, one after the other; ends all keepers and processes after the test."""
    made: list[Engine] = []

    def make(count: int = 1) -> Engine:
        made.append(Engine(bench, count))
        return made[-1]

    yield make
    for custody in list(made[-1].keepers._held.values()):
        with contextlib.suppress(ProcessLookupError):
            if custody.pidfd is not None:
                signal.pidfd_send_signal(custody.pidfd, signal.SIGKILL)
    for pid in keepers_of(bench):
        os.kill(pid, signal.SIGKILL)
    for engine in made:
        for slot in engine.keepers._slots:
            slot._closing = True
            if slot._restoring is not None:
                slot._restoring.cancel()
            slot.connection().close()
