"""Ranges of blobs, and those that chunks announce."""

from __future__ import annotations

import pytest

from wherry.registry.server.http.ranges import (
    BlobRangeError,
    ChunkRangeError,
    Span,
    read_chunk_range,
    read_range,
    upload_range,
)


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [
        ("bytes=0-0", 10, Span(0, 1)),
        ("bytes=2-4", 10, Span(2, 3)),
        ("bytes=5-", 10, Span(5, 5)),
        ("bytes=5-99", 10, Span(5, 5)),
        ("bytes=-3", 10, Span(7, 3)),
        ("bytes=-99", 10, Span(0, 10)),
        ("BYTES = 1-2", 10, Span(1, 2)),
        ("bytes=0-1,4-5", 10, None),
        ("items=0-1", 10, None),
    ],
)
def test_a_range_of_a_blob(header: str, size: int, span: Span | None) -> None:
    assert read_range(header, size) == span


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("bytes=10-", 10),
        ("bytes=10-20", 10),
        ("bytes=5-4", 10),
        ("bytes=-0", 10),
        ("bytes=-", 10),
        ("bytes=", 10),
        ("bytes=a-b", 10),
        ("bytes=-1-2", 10),
        ("bytes=\u0661-", 10),
        ("bytes=" + "9" * 5000 + "-", 10),
        ("bytes=0-", 0),
        ("bytes=-5", 0),
    ],
)
def test_no_range_of_a_blob(header: str, size: int) -> None:
    with pytest.raises(BlobRangeError) as raised:
        read_range(header, size)
    assert raised.value.size == size


def test_a_range_in_a_response() -> None:
    assert Span(2, 3).header(10) == "bytes 2-4/10"


@pytest.mark.parametrize(
    "header", ["3-9", "bytes 3-9/10", "bytes 3-9/*", "bytes=3-9", " 3-9 ", "3-9/10"]
)
def test_a_range_of_a_chunk(header: str) -> None:
    assert read_chunk_range(header) == Span(3, 7)


def test_a_chunk_that_ends_before_it_begins() -> None:
    assert read_chunk_range("9-3") is None


@pytest.mark.parametrize("header", ["", "3", "3-", "-9", "a-b", "bytes */10", "3-9/x", "-1--3"])
def test_no_range_of_a_chunk(header: str) -> None:
    with pytest.raises(ChunkRangeError):
        read_chunk_range(header)


def test_how_far_an_upload_is() -> None:
    assert [upload_range(size) for size in (0, 1, 2, 100)] == ["0-0", "0-0", "0-1", "0-99"]
