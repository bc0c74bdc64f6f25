"""Locks between processes, which end with the process that holds them."""

from __future__ import annotations

import fcntl
import os


def try_lock(path: str, mode: int = 0o600) -> int | None:
    """Lock a file, made if it is not there; None when another process holds it.

    The lock is held for as long as the descriptor that is returned is open.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
