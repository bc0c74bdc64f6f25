"""ctypes entry to the C library: errno becomes `OSError`, numbers of system calls live here.

System calls from 424 on have the same number on every architecture; the few older ones that the C
library does not wrap are listed for the architectures that wherry supports.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final

_library = ctypes.CDLL(None, use_errno=True)

PIDFD_SEND_SIGNAL: Final = 424
OPEN_TREE: Final = 428
MOVE_MOUNT: Final = 429
FSOPEN: Final = 430
FSCONFIG: Final = 431
FSMOUNT: Final = 432
PIDFD_OPEN: Final = 434
CLONE3: Final = 435
CLOSE_RANGE: Final = 436
OPENAT2: Final = 437
MOUNT_SETATTR: Final = 442

_OLDER: Final = {
    "x86_64": {"pivot_root": 155, "capset": 126, "keyctl": 250, "seccomp": 317, "bpf": 321},
    "aarch64": {"pivot_root": 41, "capset": 91, "keyctl": 219, "seccomp": 277, "bpf": 280},
}
_numbers = _OLDER.get(os.uname().machine, _OLDER["x86_64"])
PIVOT_ROOT: Final = _numbers["pivot_root"]
CAPSET: Final = _numbers["capset"]
KEYCTL: Final = _numbers["keyctl"]
SECCOMP: Final = _numbers["seccomp"]
BPF: Final = _numbers["bpf"]

AT_FDCWD: Final = -100
AT_EMPTY_PATH: Final = 0x1000
AT_RECURSIVE: Final = 0x8000
AT_SYMLINK_NOFOLLOW: Final = 0x100

_syscall = _library.syscall
_syscall.restype = ctypes.c_long


def syscall(name: str, number: int, *arguments: Any) -> int:
    """Make a system call; integers are passed as C longs, bytes as pointers to them."""
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _syscall(ctypes.c_long(number), *converted)
    if result < 0:
        _fail(name)
    return result


def function(name: str, *types: Any) -> Any:
    """Return a function of the C library that gives int, with its argument types declared."""
    found = getattr(_library, name)
    found.argtypes = types
    found.restype = ctypes.c_int
    return found


def checked(name: str, result: int) -> int:
    """Return `result`, or raise what errno says when it is negative."""
    if result < 0:
        _fail(name)
    return result


def _fail(name: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{name}: {os.strerror(number)}")
