"""Frames of the build connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.wire.frames import DATA, END, LARGEST, MESSAGE, BrokenFrameError, Decoder, Frame, encode

FRAMES = st.lists(
    st.builds(
        Frame,
        st.sampled_from([MESSAGE, DATA, END]),
        st.integers(0, (1 << 32) - 1),
        st.binary(max_size=50),
    )
)


@given(FRAMES, st.integers(1, 20))
def test_frames_survive_any_cut(frames: list[Frame], step: int) -> None:
    sent = b"".join(encode(one.kind, one.channel, one.data) for one in frames)
    decoder = Decoder()
    received = [
        frame
        for start in range(0, len(sent), step)
        for frame in decoder.feed(sent[start : start + step])
    ]
    assert received == frames


@pytest.mark.parametrize(
    "sent",
    [b"\0" * 9, bytes([MESSAGE]) + b"\0\0\0\0" + (LARGEST + 1).to_bytes(4, "big"), b"GET / HTTP"],
)
def test_what_is_no_frame_is_refused(sent: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        list(Decoder().feed(sent))
