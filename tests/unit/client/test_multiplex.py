"""The framing of attached streams, in whatever pieces it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.client.errors import BrokenReplyError
from wherry.client.multiplex import Demultiplexer


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.binary(max_size=20)), max_size=6),
    st.lists(st.integers(1, 12), min_size=1),
)
def test_pieces_do_not_matter(frames: list[tuple[int, bytes]], sizes: list[int]) -> None:
    data = b"".join(frame(*one) for one in frames)
    demultiplexer, found, n = Demultiplexer(), {1: b"", 2: b"", 3: b""}, 0
    while data:
        size = sizes[n % len(sizes)]
        for stream, piece in demultiplexer.feed(data[:size]):
            found[stream] += piece
        data, n = data[size:], n + 1
    for stream, whole in found.items():
        assert whole == b"".join(payload for kind, payload in frames if kind == stream)


def test_a_payload_is_passed_on_before_it_is_complete() -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(frame(1, b"abcdef")[:10]) == [(1, b"ab")]
    assert demultiplexer.feed(b"cdef") == [(1, b"cdef")]


def test_another_stream_is_an_error() -> None:
    with pytest.raises(BrokenReplyError, match="Unrecognized input header: 72"):
        Demultiplexer().feed(b"HTTP/1.1 500 Oops")
