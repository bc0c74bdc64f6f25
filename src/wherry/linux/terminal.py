"""Pseudo-terminals: a new pair on a given devpts, and window sizes."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from typing import Final

_TIOCSPTLCK: Final = 0x40045431
_TIOCGPTPEER: Final = 0x5441


def open_pair(multiplexer: str | int) -> tuple[int, int]:
    """Open a master through `multiplexer` (a path or an open descriptor of it) and its slave.

    The slave is opened through the master, so no path inside a hostile tree is followed.
    """
    if isinstance(multiplexer, int):
        master = multiplexer
    else:
        master = os.open(multiplexer, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    return master, slave


def set_size(terminal: int, height: int, width: int) -> None:
    """Set the window size in rows and columns; the foreground processes get SIGWINCH."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def make_controlling(slave: int) -> None:
    """Make the terminal that of the calling session, which must have none."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
