"""Bytes that blocking code reads, taken on the event loop: the other direction of `feed`.

The next piece is read in a thread while the taker is busy with the one before, and no more than
these two are in memory. Whoever leaves early closes the source, once its thread has left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

from wherry.base.crossing import to_the_end

PIECE = 1 << 20


async def read_ahead(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield what blocking code reads, about PIECE bytes at a time, one piece ahead of the taker."""
    reading = asyncio.ensure_future(to_the_end(_gathered, pieces))
    try:
        while piece := await reading:
            reading = asyncio.ensure_future(to_the_end(_gathered, pieces))
            yield piece
    finally:
        # The thread may be in the iterator still, which only one may use at a time.
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.exception()
        close = getattr(pieces, "close", None)
        if close is not None:
            await to_the_end(close)


def _gathered(pieces: Iterator[bytes]) -> bytes:
    found: list[bytes] = []
    size = 0
    while size < PIECE:
        piece = next(pieces, None)
        if piece is None:
            break
        found.append(piece)
        size += len(piece)
    return found[0] if len(found) == 1 else b"".join(found)
