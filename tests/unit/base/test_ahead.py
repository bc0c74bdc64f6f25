"""Bytes that blocking code reads, one piece ahead of whoever takes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from wherry.base.ahead import PIECE, read_ahead


def small_pieces(count: int, closed: threading.Event) -> Iterator[bytes]:
    try:
        for _ in range(count):
            yield bytes(1000)
    finally:
        closed.set()


async def test_small_pieces_become_large_ones() -> None:
    closed = threading.Event()
    pieces = [piece async for piece in read_ahead(small_pieces(5000, closed))]
    assert sum(map(len, pieces)) == 5_000_000
    assert len(pieces) == 5
    assert all(len(piece) >= PIECE for piece in pieces[:-1])
    assert closed.is_set()


async def test_whoever_leaves_early_closes_the_source() -> None:
    closed = threading.Event()
    reading = read_ahead(small_pieces(1_000_000, closed))
    assert await anext(reading)
    await reading.aclose()
    assert closed.is_set()


async def test_what_the_source_raises() -> None:
    def failing() -> Iterator[bytes]:
        yield bytes(PIECE)
        raise OSError("the disk")

    reading = read_ahead(failing())
    assert len(await anext(reading)) == PIECE
    with pytest.raises(OSError, match="the disk"):
        await anext(reading)


async def test_an_iterator_that_cannot_be_closed() -> None:
    assert [piece async for piece in read_ahead(iter([b"a", b"b"]))] == [b"ab"]
