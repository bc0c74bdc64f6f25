"""Reading a terminal to its end."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial

import pytest

from wherry.linux.terminal import open_pair, to_the_end


def answers(*given: bytes | int) -> Callable[[], bytes]:
    """Return a read that answers in turn; a number is an error."""
    left = list(given)

    def read() -> bytes:
        answer = left.pop(0)
        if isinstance(answer, int):
            raise OSError(answer, os.strerror(answer))
        return answer

    return read


def test_what_was_written_just_before_the_end_is_read() -> None:
    assert to_the_end(answers(b"x"), b"") == b"x"
    assert to_the_end(answers(errno.EIO, b"last"), b"") == b"last"
    assert to_the_end(answers(errno.EIO, errno.EIO), b"") == b""


def test_other_errors_are_told() -> None:
    with pytest.raises(BlockingIOError):
        to_the_end(answers(errno.EAGAIN), b"")
    with pytest.raises(OSError, match="Bad file descriptor"):
        to_the_end(answers(errno.EIO, errno.EBADF), b"")


def test_a_real_terminal() -> None:
    master, slave = open_pair("/dev/ptmx")
    try:
        os.write(slave, b"last")
        os.close(slave)
        read = partial(os.read, master, 100)
        assert [to_the_end(read, b"") for _ in range(3)] == [b"last", b"", b""]
    finally:
        os.close(master)
