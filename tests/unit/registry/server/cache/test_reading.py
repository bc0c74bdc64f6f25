"""The bytes of a blob that is kept, whatever its source."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Iterator

import pytest

from wherry.base.errors import InternalError
from wherry.registry.blobdrivers.driver import Arriving, LocalFile, Redirect, Source, Streamed
from wherry.registry.server.cache.reading import read_from

DATA = bytes(range(256)) * 10_000


def streamed(start: int, length: int) -> Iterator[bytes]:
    yield DATA[start : start + 1000]
    yield DATA[start + 1000 : start + length]


@pytest.mark.parametrize(
    "source",
    [LocalFile(lambda: io.BytesIO(DATA)), Streamed(streamed), Redirect("http://x", streamed)],
)
@pytest.mark.parametrize("start", [0, 5, len(DATA)])
async def test_reading(source: Source, start: int) -> None:
    pieces = [piece async for piece in read_from(source, start, len(DATA))]
    assert b"".join(pieces) == DATA[start:]


async def nothing() -> AsyncGenerator[bytes, None]:
    yield b""


@pytest.mark.parametrize("source", [Redirect("http://x"), Arriving(nothing)])
async def test_what_cannot_be_read(source: Source) -> None:
    with pytest.raises(InternalError, match="cannot be read"):
        await anext(read_from(source, 0, 5))
