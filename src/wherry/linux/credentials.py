"""Capabilities, seccomp filters and keyrings of the calling thread."""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable
from typing import Final

from wherry.linux import libc, prctl

_CAPABILITY_VERSION_3: Final = 0x20080522
_SECCOMP_SET_MODE_FILTER: Final = 1
_FILTER_INSTRUCTION_BYTES: Final = 8
_KEYCTL_JOIN_SESSION_KEYRING: Final = 1


def _mask(numbers: Iterable[int]) -> int:
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def set_capabilities(
    effective: Iterable[int], permitted: Iterable[int], inheritable: Iterable[int]
) -> None:
    """capset(2): replace the three sets."""
    sets = (_mask(effective), _mask(permitted), _mask(inheritable))
    low = [s & 0xFFFFFFFF for s in sets]
    high = [s >> 32 for s in sets]
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITY_VERSION_3, 0), 8)
    libc.syscall("capset", libc.CAPSET, header, struct.pack("6I", *low, *high))


def keep_bounding(numbers: Iterable[int], last: int) -> None:
    """Drop every capability up to `last` from the bounding set but these."""
    kept = set(numbers)
    for number in range(last + 1):
        if number not in kept:
            prctl.prctl(prctl.PR_CAPBSET_DROP, number)


def set_ambient(numbers: Iterable[int]) -> None:
    """Replace the ambient set; raises EPERM for what is not permitted and inheritable."""
    prctl.prctl(prctl.PR_CAP_AMBIENT, prctl.PR_CAP_AMBIENT_CLEAR_ALL)
    for number in numbers:
        prctl.prctl(prctl.PR_CAP_AMBIENT, prctl.PR_CAP_AMBIENT_RAISE, number)


def last_capability() -> int:
    """Return the highest capability that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def bounding_set() -> frozenset[int]:
    """Return the capabilities that this process can give at most."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        mask = next(int(line.split()[1], 16) for line in file if line.startswith("CapBnd:"))
    return frozenset(number for number in range(mask.bit_length()) if mask >> number & 1)


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def load_filter(program: bytes) -> None:
    """seccomp(2): install a compiled filter, an array of struct sock_filter."""
    buffer = ctypes.create_string_buffer(program, len(program))
    count = len(program) // _FILTER_INSTRUCTION_BYTES
    described = _FilterProgram(count, ctypes.addressof(buffer))
    libc.syscall("seccomp", libc.SECCOMP, _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(described))


def join_new_session_keyring() -> None:
    """keyctl(2): leave the keyring of whoever started this; nothing where there are no keyrings.

    The new one has no name: a keyring is found by its name, so that two containers would share it.
    """
    try:
        libc.syscall("keyctl", libc.KEYCTL, _KEYCTL_JOIN_SESSION_KEYRING, ctypes.c_void_p(None))
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM, errno.EDQUOT):
            raise
