"""Namespaces: their flags, unsharing, and starting a process in new ones."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Mapping
from typing import Final

from wherry.linux import libc

CLONE_NEWTIME: Final = 0x00000080
CLONE_PIDFD: Final = 0x00001000
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

# The runtime-spec's words, and the names of the links in /proc/<pid>/ns.
FLAGS: Final = {
    "mount": CLONE_NEWNS,
    "cgroup": CLONE_NEWCGROUP,
    "uts": CLONE_NEWUTS,
    "ipc": CLONE_NEWIPC,
    "user": CLONE_NEWUSER,
    "pid": CLONE_NEWPID,
    "network": CLONE_NEWNET,
    "time": CLONE_NEWTIME,
}
LINKS: Final = {"mount": "mnt", "network": "net"} | {
    kind: kind for kind in ("cgroup", "uts", "ipc", "user", "pid", "time")
}

_unshare = libc.function("unshare", ctypes.c_int)
# Without releasing the interpreter lock: the child must come out of the call holding it.
_raw_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_raw_syscall.restype = ctypes.c_long


class _CloneArguments(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size",
            "tls", "set_tid", "set_tid_size", "cgroup",
        )
    )  # fmt: skip


def unshare(kinds: int) -> None:
    """unshare(2): move the calling thread into new namespaces."""
    libc.checked("unshare", _unshare(kinds))


def make_time_namespace(offsets: Mapping[str, Mapping[str, int]]) -> None:
    """Make a time namespace, which the next exec enters; offsets as in the runtime-spec."""
    unshare(CLONE_NEWTIME)
    lines = [
        f"{clock} {offset.get('secs', 0)} {offset.get('nanosecs', 0)}"
        for clock, offset in offsets.items()
    ]
    if lines:
        with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
            file.write("\n".join(lines))


def fork_into(kinds: int) -> tuple[int, int]:
    """clone3(2): fork this process, the child in new namespaces of these kinds.

    Returns (pid, pidfd) in the parent and (0, -1) in the child. Only for a process with a single
    thread: hooks that Python runs around `os.fork` are not run.
    """
    pidfd = ctypes.c_int(-1)
    arguments = _CloneArguments(
        flags=kinds | CLONE_PIDFD,
        pidfd=ctypes.addressof(pidfd),
        exit_signal=signal.SIGCHLD,
    )
    pid: int = _raw_syscall(
        ctypes.c_long(libc.CLONE3),
        ctypes.byref(arguments),
        ctypes.c_size_t(ctypes.sizeof(arguments)),
    )
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"clone3: {os.strerror(number)}")
    return (pid, pidfd.value) if pid else (0, -1)
