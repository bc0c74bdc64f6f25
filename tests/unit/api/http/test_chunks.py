"""Chunked bodies."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.api.http.chunks import ChunkDecoder

PIECES = st.lists(st.binary(min_size=1, max_size=40))


def encoded(pieces: list[bytes], trailers: bytes = b"") -> bytes:
    chunks = b"".join(b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


@given(PIECES, st.integers(1, 30), st.sampled_from([b"", b"A: b\r\nC: d\r\n"]))
def test_any_cut_gives_the_payload_and_the_rest(
    pieces: list[bytes], step: int, trailers: bytes
) -> None:
    sent = encoded(pieces, trailers) + b"GET / HTTP/1.1\r\n"
    decoder = ChunkDecoder()
    got = b""
    for start in range(0, len(sent), step):
        if decoder.ended:
            break
        decoder.feed(sent[start : start + step])
        got += decoder.take()
    assert got == b"".join(pieces)
    assert decoder.ended
    assert (b"GET / HTTP/1.1\r\n").startswith(decoder.rest)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_anything_else_is_refused_as_h11_refuses(sent: bytes, step: int) -> None:
    decoder = ChunkDecoder()
    try:
        for start in range(0, len(sent), step):
            if not decoder.ended:
                decoder.feed(sent[start : start + step])
    except h11.RemoteProtocolError:
        pass


@pytest.mark.parametrize(
    "sent",
    [
        b"x\r\n", b"-1\r\n", b"0x5\r\n", b"\r\n", b"5\nhello", b"1\r\nab\r\n", b"1\r\na\n\n",
        b"f" * 16 + b"\r\n", b"5" + b" " * 20000, b"0\r\n" + b"A: b\r\n" * 20000,
        b"0\r\n" + b"A" * 70000,
    ],
)  # fmt: skip
def test_what_is_no_chunked_body(sent: bytes) -> None:
    with pytest.raises(h11.RemoteProtocolError):
        ChunkDecoder().feed(sent)


def test_an_end_before_the_end() -> None:
    decoder = ChunkDecoder()
    decoder.feed(b"5\r\nhel")
    assert decoder.take() == b"hel"
    with pytest.raises(h11.RemoteProtocolError, match="without sending complete body"):
        decoder.feed(b"")
