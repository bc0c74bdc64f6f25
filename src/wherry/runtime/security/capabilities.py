"""The names of capabilities, in the order of their numbers (capability.h of Linux 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NAMES: Final = tuple(
    f"CAP_{word}"
    for word in (
        "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP"
        " LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER"
        " SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE"
        " SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP"
        " MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF"
        " CHECKPOINT_RESTORE"
    ).split()
)
NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}


def numbers(names: Iterable[str]) -> list[int]:
    """Return the numbers of known names; a name of a newer kernel than this list is left out."""
    return [NUMBERS[name] for name in names if name in NUMBERS]
