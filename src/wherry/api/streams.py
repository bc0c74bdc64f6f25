"""Attached streams: the framing of standard output and error, and joining a client to a process.

A frame is `{1|2|3, 0, 0, 0}`, the length as four bytes big-endian, then that many bytes; 3 is an
error of the engine. With a terminal there is one stream and no framing. A frame is sent whole:
docker-py gives up on a short header.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from wherry.api.http.message import Duplex
from wherry.api.versions import Version

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
_NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2, "systemerr": 3}


class Attachment(Protocol):
    """A process's streams, as the engine gives them."""

    def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what the process writes, with the stream's name, until it has ended."""

    async def write_stdin(self, data: bytes) -> None:
        """Give the process input."""

    async def close_stdin(self) -> None:
        """End the process's input."""

    async def close(self) -> None:
        """Let go; the process goes on."""


def frame(stream: str, data: bytes) -> bytes:
    """Return one frame."""
    return bytes((_NUMBERS[stream], 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def content_type(*, tty: bool, version: Version) -> str:
    """Return the media type that tells clients from 1.42 on whether there are frames."""
    return RAW if tty or version < (1, 42) else MULTIPLEXED


async def join(attachment: Attachment, duplex: Duplex, *, tty: bool, stdin: bool) -> None:
    """Carry both directions until the process's output has ended or the client has gone.

    The end of the client's direction ends standard input and nothing else, unless the client has
    closed both: then nobody is there to write to.
    """
    pumping = asyncio.ensure_future(_pump(attachment, duplex, tty=tty))
    feeding = asyncio.ensure_future(_feed(attachment, duplex, stdin=stdin))
    feeding.add_done_callback(lambda _: pumping.cancel() if duplex.gone else None)
    try:
        await asyncio.wait({pumping})
        if not pumping.cancelled():
            pumping.result()
    finally:
        pumping.cancel()
        feeding.cancel()
        await asyncio.gather(pumping, feeding, return_exceptions=True)
        await attachment.close()


async def _pump(attachment: Attachment, duplex: Duplex, *, tty: bool) -> None:
    async for stream, data in attachment.output():
        await duplex.send(data if tty else frame(stream, data))


async def _feed(attachment: Attachment, duplex: Duplex, *, stdin: bool) -> None:
    """Pass input on for as long as the process takes it; go on reading, to see the client's end."""
    open_ = stdin
    while data := await duplex.receive():
        if open_:
            try:
                await attachment.write_stdin(data)
            except OSError:
                open_ = False
    if open_:
        await attachment.close_stdin()
