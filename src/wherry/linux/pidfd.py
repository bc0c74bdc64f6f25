"""Descriptors of processes: signal, wait and ask without the race of pid numbers."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
from typing import Final

from wherry.linux import libc, process

# _IOWR(0xFF, 11, struct pidfd_info), include/uapi/linux/pidfd.h. The size in the number is that of
# the struct's first published version (64 bytes); the kernel takes any size from there on.
_PIDFD_INFO_BYTES: Final = 64
_PIDFD_GET_INFO: Final = (3 << 30) | (_PIDFD_INFO_BYTES << 16) | (0xFF << 8) | 11
_PIDFD_INFO_EXIT: Final = 1 << 3


class _Info(ctypes.Structure):
    _fields_ = (
        ("mask", ctypes.c_uint64),
        ("cgroupid", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("tgid", ctypes.c_uint32),
        ("ppid", ctypes.c_uint32),
        ("ids", ctypes.c_uint32 * 8),
        ("exit_code", ctypes.c_int32),
    )


def open_pidfd(pid: int) -> int:
    """Open a descriptor of the process; it is closed on exec."""
    return os.pidfd_open(pid)


def send_signal(pidfd: int, number: int) -> None:
    """Send a signal; raises ProcessLookupError when the process has ended."""
    signal.pidfd_send_signal(pidfd, number)


def exit_status(pidfd: int) -> int | None:
    """Return the wait status of a process that has ended, whoever its parent is.

    None while it runs, and where it has been reaped and the kernel (before 6.15) does not keep it.
    """
    # The zombie first: one that is reaped between the two questions is found by the second.
    status = _zombie_status(pidfd)
    if status is not None:
        return status
    info = _Info(mask=_PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info)
    except OSError:
        return None
    return info.exit_code if info.mask & _PIDFD_INFO_EXIT else None


def _zombie_status(pidfd: int) -> int | None:
    """Return the status of a process that waits to be reaped: the last field of its stat file."""
    pid = pid_of(pidfd)
    if pid <= 0:
        return None
    fields = process.stat_fields(pid)
    zombie = fields and fields[0] == b"Z" and pid_of(pidfd) == pid
    return int(fields[-1]) if zombie else None


def pid_of(pidfd: int) -> int:
    """Return the pid of the process that a descriptor is of; -1 once it has been reaped."""
    try:
        with open(f"/proc/self/fdinfo/{pidfd}", "rb") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return -1
    return next((int(line.split()[1]) for line in lines if line.startswith(b"Pid:")), -1)


def same_process(pidfd: int, pid: int) -> bool:
    """Tell whether the descriptor is of the process that has this pid now."""
    return pid_of(pidfd) == pid


_setns = libc.function("setns", ctypes.c_int, ctypes.c_int)


def join_namespaces(descriptor: int, kinds: int) -> None:
    """setns(2): join the namespaces in `kinds` (CLONE_NEW*) of a pidfd or a namespace file."""
    libc.checked("setns", _setns(descriptor, kinds))
