"""The clock: kept by somebody, and not behind what was written already."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

import wherry
from wherry.doctor.finding import Finding, command, note, ok, warning
from wherry.doctor.machine import Machine
from wherry.linux import libc

_TIMEX_BYTES: Final = 256  # more than the structure of any architecture
_STATUS_AT: Final = 40
_UNSYNCHRONISED: Final = 0x40
_TOLERANCE_SECONDS: Final = 120
_adjtimex = libc.function("adjtimex", ctypes.c_void_p)


def check_synchronised(machine: Machine) -> list[Finding]:
    """Something keeps the clock right."""
    if not _unsynchronised():
        return ok("it is kept right")
    effect = "tokens and certificates of registries are refused when it is off by minutes"
    return [note("nothing keeps the clock right", effect, *_keep_right(machine))]


def _unsynchronised() -> bool:
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: only asks
    libc.checked("adjtimex", _adjtimex(buffer))
    return bool(struct.unpack_from("=i", buffer, _STATUS_AT)[0] & _UNSYNCHRONISED)


def _keep_right(machine: Machine) -> tuple[str, ...]:
    if machine.program("chronyd"):
        return ("systemctl enable --now chronyd", "chronyc makestep")
    if machine.program("timedatectl"):
        return ("timedatectl set-ntp true",)
    return (machine.install("chrony", "chrony"),)


def check_jump(machine: Machine) -> list[Finding]:
    """No file of the engine's is from the future: the clock was not set back."""
    root = machine.settings.data_root
    names = [f"{root}/wherry.db", f"{root}/wherry.db-wal", root, wherry.__file__]
    ahead = {}
    for path in names:
        try:
            seconds = os.stat(path).st_mtime - machine.now
        except FileNotFoundError:
            continue
        if seconds > _TOLERANCE_SECONDS:
            ahead[path] = seconds
    if not ahead:
        return ok("nothing is from the future")
    latest = max(ahead, key=lambda path: ahead[path])
    return [
        warning(
            f"{latest} is {_readable(ahead[latest])} younger than now: the clock was set back",
            "logs, events and prunes by time leave things out, certificates may not be valid yet",
            # The second once the clock is right: it may have been wrong before.
            *(_keep_right(machine) if _unsynchronised() else ()),
            command("touch", *ahead),
        )
    ]


def _readable(seconds: float) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"
