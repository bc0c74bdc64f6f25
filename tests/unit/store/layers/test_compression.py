"""Compressing: the same bytes, however they come."""

from __future__ import annotations

import gzip
import io
import os

import pytest

from wherry.store.layers.compression import Writable, compress, copy

DATA = b"".join(b"line %d of many\n" % number for number in range(60_000)) + os.urandom(100_000)


def packed(piece: int) -> bytes:
    sink = io.BytesIO()

    def write(out: Writable) -> None:
        for at in range(0, len(DATA), piece):
            out.write(DATA[at : at + piece])

    compress(write, sink)
    return sink.getvalue()


@pytest.mark.parametrize("piece", [777, 256 << 10, 300_000, len(DATA)])
def test_how_it_comes_does_not_show(piece: int) -> None:
    assert packed(piece) == packed(512)
    assert gzip.decompress(packed(piece)) == DATA


def test_nothing_is_compressed_as_well() -> None:
    sink = io.BytesIO()
    compress(lambda _: None, sink)
    assert gzip.decompress(sink.getvalue()) == b""


def test_copies_all_that_is_left() -> None:
    source, sink = io.BytesIO(DATA), io.BytesIO()
    source.seek(10)
    copy(source, sink)
    assert sink.getvalue() == DATA[10:]
