"""syncfs(2): everything that has been written to one file system, brought to its disk."""

from __future__ import annotations

import ctypes
import os

from wherry.linux import libc

_syncfs = libc.function("syncfs", ctypes.c_int)


def sync_file_system(directory: str) -> None:
    """Return when the file system that `directory` is on has all that was written to it before.

    One call for many files, where an fsync of each would wait for the disk as often. Raises
    OSError, also for writes that failed earlier.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        libc.checked("syncfs", _syncfs(descriptor))
    finally:
        os.close(descriptor)
