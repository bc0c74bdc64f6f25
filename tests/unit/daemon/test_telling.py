"""What systemd is told while the engine runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator

import pytest

from wherry.daemon.telling import Telling, watchdog_seconds
from wherry.engine.events import Events


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where messages arrive."""
    with (
        tempfile.TemporaryDirectory(prefix="wr.") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made,
    ):
        made.bind(f"{folder}/s")
        made.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/s")
        yield made


async def test_every_change_is_told(told: socket.socket) -> None:
    events, count = Events(), 0
    telling = Telling(events, lambda: count)
    assert telling.status() == "STATUS=0 containers running"
    task = asyncio.create_task(telling.tell())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    for action, count in (("start", 1), ("start", 2), ("die", 1)):
        events.emit("container", action, "x")
        wanted = f"STATUS={count} container{'' if count == 1 else 's'} running".encode()
        assert await asyncio.wait_for(loop.sock_recv(told, 100), 10) == wanted
    events.emit("image", "pull", "x")
    events.emit("container", "create", "x")
    await asyncio.sleep(0)
    with pytest.raises(BlockingIOError):
        told.recv(100)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_signs_of_life_come_three_in_the_time(told: socket.socket) -> None:
    names = {"NOTIFY_SOCKET": os.environ["NOTIFY_SOCKET"], "WATCHDOG_USEC": "30000"}
    task = asyncio.create_task(Telling(Events(), lambda: 0).tell(names))
    loop = asyncio.get_running_loop()
    for _ in range(3):
        assert await asyncio.wait_for(loop.sock_recv(told, 100), 10) == b"WATCHDOG=1"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_nobody_listens() -> None:
    await asyncio.wait_for(Telling(Events(), lambda: 0).tell({}), 10)


def test_the_watchdog_may_be_for_somebody_else() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "2500000"}) == 2.5
    assert watchdog_seconds({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(os.getpid())}) == 2.5
    assert watchdog_seconds({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "1"}) == 0
    assert watchdog_seconds({}) == 0
