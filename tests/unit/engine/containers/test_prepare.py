"""What starts and builds share: waiting to the end, words of failures, options of logs."""

from __future__ import annotations

import asyncio
import errno

import pytest

from wherry.base.errors import InternalError, InvalidError
from wherry.engine.containers.prepare import StartError, explained, settled
from wherry.keeper.client import LaunchError


async def test_whoever_is_cancelled_waits_for_all() -> None:
    go = asyncio.Event()
    done: list[str] = []

    async def work(name: str) -> None:
        await go.wait()
        done.append(name)

    works = [asyncio.ensure_future(work(name)) for name in ("a", "b")]
    waiting = asyncio.ensure_future(settled(*works))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    assert await waiting
    assert done == ["a", "b"]


async def test_failures_are_the_caller_s_to_look_at() -> None:
    async def work() -> None:
        raise OSError(errno.EIO, "broken")

    failing = asyncio.ensure_future(work())
    assert not await settled(failing)
    assert isinstance(failing.exception(), OSError)
    assert not await settled()


@pytest.mark.parametrize(
    ("number", "code", "category"),
    [
        (0, 127, InvalidError),
        (0, 126, InvalidError),
        (errno.ENOENT, 128, InvalidError),
        (errno.EACCES, 128, InvalidError),
        (errno.EPERM, 128, InternalError),
    ],
)
def test_whose_fault_a_failure_is(number: int, code: int, category: type[Exception]) -> None:
    error = explained(LaunchError("exec", number, "it went wrong", code))
    assert isinstance(error, category)
    assert str(error) == (
        "failed to create task for container: failed to create shim task: OCI runtime create"
        " failed: unable to start container process: it went wrong: unknown"
    )
    if isinstance(error, StartError):
        assert error.exit_code == code
