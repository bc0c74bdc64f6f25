"""A keeper of the test's own, with a launcher that needs no namespaces."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fixtures import fake_launcher
from fixtures.keepers import Bench
from wherry.keeper import start
from wherry.keeper.client import KeeperClient


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    start.prepare(made.exec_root)
    return made


@pytest.fixture
def spawned(bench: Bench) -> Iterator[start.Spawned]:
    interpreter = start.sealed_interpreter()
    keeper = start.spawn(bench.exec_root, 0, interpreter, fake_launcher.program())
    os.close(interpreter)
    yield keeper
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(keeper.pid, signal.SIGKILL)
        os.waitpid(keeper.pid, 0)


@pytest.fixture
async def keeper(bench: Bench, spawned: start.Spawned) -> AsyncIterator[KeeperClient]:
    client = await KeeperClient.connect(spawned.path, bench.events.put_nowait)
    yield client
    client.close()
