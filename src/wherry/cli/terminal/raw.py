"""The user's terminal: raw mode while a container has it, and its size."""

from __future__ import annotations

import contextlib
import os
import termios
import tty
from collections.abc import Iterator

STDIN, STDOUT = 0, 1


def size() -> tuple[int, int] | None:
    """Return (height, width) of the terminal, None where there is none."""
    for fd in (STDOUT, STDIN):
        with contextlib.suppress(OSError):
            columns, lines = os.get_terminal_size(fd)
            return lines, columns
    return None


@contextlib.contextmanager
def raw_mode(*, wanted: bool) -> Iterator[None]:
    """Make standard input raw for a while, if it is wanted and a terminal."""
    if not wanted or not os.isatty(STDIN):
        yield
        return
    before = termios.tcgetattr(STDIN)
    tty.setraw(STDIN, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
