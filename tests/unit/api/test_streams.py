"""Frames, and joining a client to a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wherry.api.streams import MULTIPLEXED, RAW, content_type, frame, join


def test_a_frame() -> None:
    assert frame("stdout", b"hi") == b"\x01\0\0\0\0\0\0\x02hi"
    assert frame("stderr", b"x" * 258) == b"\x02\0\0\0\0\0\x01\x02" + b"x" * 258


def test_media_types() -> None:
    assert content_type(tty=False, version=(1, 51)) == MULTIPLEXED
    assert content_type(tty=False, version=(1, 41)) == RAW
    assert content_type(tty=True, version=(1, 51)) == RAW


class Cat:
    """A process that gives back its input and ends with it."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = False

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        while data := await self.pieces.get():
            yield "stdout", data

    async def write_stdin(self, data: bytes) -> None:
        self.pieces.put_nowait(data)

    async def close_stdin(self) -> None:
        self.pieces.put_nowait(b"")

    async def close(self) -> None:
        self.closed = True


class Script:
    """A client that sends these pieces, ends its direction, and keeps what it gets."""

    def __init__(self, *pieces: bytes, gone: bool = False) -> None:
        self.pieces = [*pieces, b""]
        self.got = b""
        self.gone = gone

    async def receive(self) -> bytes:
        return self.pieces.pop(0)

    async def send(self, data: bytes) -> None:
        if self.gone:
            raise ConnectionResetError
        self.got += data


async def test_input_goes_in_and_comes_out() -> None:
    cat, client = Cat(), Script(b"one", b"two")
    await join(cat, client, tty=False, stdin=True)
    assert client.got == frame("stdout", b"one") + frame("stdout", b"two")
    assert cat.closed


async def test_no_frames_with_a_terminal() -> None:
    cat, client = Cat(), Script(b"one")
    await join(cat, client, tty=True, stdin=True)
    assert client.got == b"one"


async def test_the_process_ends_first() -> None:
    cat, client = Cat(), Script()
    cat.pieces.put_nowait(b"out")
    cat.pieces.put_nowait(b"")
    await join(cat, client, tty=True, stdin=False)
    assert client.got == b"out"


async def test_a_client_that_closed_both_directions_ends_an_idle_stream() -> None:
    cat, client = Cat(), Script(gone=True)
    await join(cat, client, tty=True, stdin=False)
    assert cat.closed


async def test_a_process_that_takes_no_more_input_still_has_output() -> None:
    class Deaf(Cat):
        async def write_stdin(self, data: bytes) -> None:
            self.pieces.put_nowait(b"out")
            self.pieces.put_nowait(b"")
            raise BrokenPipeError

    deaf, client = Deaf(), Script(b"one", b"two")
    await join(deaf, client, tty=True, stdin=True)
    assert client.got == b"out"


async def test_a_client_that_is_gone_lets_go_of_the_process() -> None:
    cat, client = Cat(), Script(b"one", gone=True)
    with pytest.raises(ConnectionResetError):
        await join(cat, client, tty=True, stdin=True)
    assert cat.closed
