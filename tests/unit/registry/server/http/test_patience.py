"""Waiting for clients."""

from __future__ import annotations

import asyncio

import pytest

from wherry.registry.server.http.patience import Patience, StalledError, progress


async def pair() -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a server's side of a connection, and both halves of the client's."""
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await accepted.put(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    reader, client = await asyncio.open_connection(*server.sockets[0].getsockname())
    served = await accepted.get()
    server.close()
    return served, reader, client


async def test_a_silent_client_is_given_up() -> None:
    served, _, client = await pair()
    with pytest.raises(StalledError, match="not one byte"):
        async with Patience(served.transport, 0.05):
            await asyncio.Event().wait()
    client.close()
    served.close()


async def test_a_slow_client_is_waited_for() -> None:
    served, _, client = await pair()
    before = progress(served.transport)

    async def trickle() -> None:
        for _ in range(8):
            await asyncio.sleep(0.05)
            client.write(b"x")

    async with Patience(served.transport, 0.2):  # which is less than it takes
        await trickle()
    assert progress(served.transport) != before
    client.close()
    served.close()


async def test_what_is_in_time() -> None:
    async with Patience(None, 20):
        pass
    async with Patience(None, 0):
        await asyncio.sleep(0)


async def test_other_errors_and_the_end_of_the_task_go_through() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with Patience(None, 20):
            raise ValueError("mine")

    async def wait() -> None:
        async with Patience(None, 20):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_tcp_there_is_no_progress_to_see() -> None:
    assert progress(None) is None
