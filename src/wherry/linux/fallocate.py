"""fallocate(2), for what Python does not give: taking blocks out of the middle of a file."""

from __future__ import annotations

import ctypes
import errno
from typing import Final

from wherry.linux import libc

_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2

_fallocate = libc.function("fallocate", ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def punch_hole(descriptor: int, start: int, length: int) -> bool:
    """Give back the disk space of a part of a file, which then reads as zeros.

    False where the file system cannot do that.
    """
    try:
        mode = _PUNCH_HOLE | _KEEP_SIZE
        libc.checked("fallocate", _fallocate(descriptor, mode, start, length))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS):
            return False
        raise
    return True
