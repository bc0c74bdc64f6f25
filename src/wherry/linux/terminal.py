"""Pseudo-terminals: a new pair on a given devpts, reading to the end, and window sizes."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from typing import Final, TypeVar

_Read = TypeVar("_Read")

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


def to_the_end(read: Callable[[], _Read], nothing: _Read) -> _Read:
    """Return what `read` reads of a master; `nothing` once nobody has the slave open.

    The kernel looks for bytes first, then at who has the slave open (EIO where nobody has). What a
    process writes in between, and ends, is not in that answer: it is there for who asks again.
    """
    for _ in range(2):
        try:
            return read()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
    return nothing


def set_size(terminal: int, height: int, width: int) -> None:
    """Set the window size in rows and columns; the foreground processes get SIGWINCH."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def make_controlling(slave: int) -> None:
    """Make the terminal that of the calling session, which must have none."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
