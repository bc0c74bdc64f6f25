"""Waiting for descriptors that do not block, on the event loop."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from typing import Final

from wherry.linux import terminal

READ_BYTES: Final = 64 << 10


async def readable(descriptor: int) -> None:
    """Return when a read would not block."""
    loop = asyncio.get_running_loop()
    await _ready(descriptor, loop.add_reader, loop.remove_reader)


async def writable(descriptor: int) -> None:
    """Return when a write would not block."""
    loop = asyncio.get_running_loop()
    await _ready(descriptor, loop.add_writer, loop.remove_writer)


async def _ready(descriptor: int, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    add(descriptor, _settle, future)
    try:
        await future
    finally:
        remove(descriptor)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def write_all(descriptor: int, data: bytes) -> bool:
    """Write everything, waiting where the reader is behind; False when nobody reads any more."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            await writable(descriptor)
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EIO, errno.EBADF):
                return False
            raise
    return True


def read_some(descriptor: int) -> bytes | None:
    """Return what there is, None where nothing is yet, empty at the end of the stream."""
    try:
        return terminal.to_the_end(lambda: os.read(descriptor, READ_BYTES), b"")
    except BlockingIOError:
        return None
