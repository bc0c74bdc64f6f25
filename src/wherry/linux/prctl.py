"""prctl(2): attributes of the calling process."""

from __future__ import annotations

import ctypes
from typing import Final

from wherry.linux import libc

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_KEEPCAPS: Final = 8
PR_SET_NAME: Final = 15
PR_CAPBSET_DROP: Final = 24
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

_prctl = libc.function("prctl", ctypes.c_int, *[ctypes.c_ulong] * 4)


def prctl(option: int, *values: int) -> int:
    """Call prctl with up to four values; those left out are 0."""
    padded = [*values, 0, 0, 0, 0][:4]
    return libc.checked("prctl", _prctl(option, *padded))


def set_child_subreaper() -> None:
    """Orphaned descendants become children of this process."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_not_dumpable() -> None:
    """Nobody without CAP_SYS_PTRACE may look into this process."""
    prctl(PR_SET_DUMPABLE, 0)


def set_no_new_privileges() -> None:
    """No exec from here on gains a capability or another user."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def set_name(name: str) -> None:
    """Set what `ps` and `top` show, at most 15 bytes."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    prctl(PR_SET_NAME, ctypes.addressof(buffer))
