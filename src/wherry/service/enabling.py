"""Has the service started at boot, by whatever program of the machine's does that.

Each function returns what it did, as lines for the user. A root that is no running machine is
changed by the same programs, told to work there; nothing is started in it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Final

from wherry.base.errors import UnavailableError
from wherry.service.files import GROUP, INIT_SCRIPT, SERVICE, SOCKET
from wherry.service.machine import Machine

_UNITS: Final = (SERVICE, SOCKET)
_NAME: Final = "wherry"
_SECONDS: Final = 150


class CommandFailedError(UnavailableError):
    """A program of the machine's did not do what it was told."""


def run(words: Sequence[str]) -> str:
    """Run a program and return its output. Raises CommandFailedError with what it said."""
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailedError(f"{' '.join(words)}: {error}") from error
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip() or f"status {done.returncode}"
        raise CommandFailedError(f"{' '.join(words)}: {told}")
    return done.stdout


def make_group(machine: Machine) -> list[str]:
    """Make the group whose members may use the socket, unless it is there."""
    if _has_group(machine):
        return []
    if machine.program("groupadd"):
        run(_there(machine, "groupadd", "--system", GROUP))
    elif machine.program("addgroup"):  # of BusyBox
        run(_there(machine, "addgroup", "-S", GROUP))
    else:
        return [
            f"there is no groupadd: only root may use the socket until there is a {GROUP} group"
        ]
    return [f"made the group {GROUP}: its members may use the socket, and are as good as root"]


def _has_group(machine: Machine) -> bool:
    try:
        with open(machine.path("/etc/group"), encoding="utf-8", errors="replace") as file:
            return any(line.startswith(f"{GROUP}:") for line in file)
    except FileNotFoundError:
        return False


def _there(machine: Machine, *words: str) -> list[str]:
    return list(words) if machine.is_live else ["chroot", machine.root, *words]


def enable(machine: Machine) -> list[str]:
    """Have it started at boot."""
    if machine.has_systemd():
        if machine.is_live:
            run(("systemctl", "daemon-reload"))
        run((*_systemctl(machine), "enable", *_UNITS))
        return ["enabled: it is started at boot"]
    if machine.program("update-rc.d"):
        run(_there(machine, "update-rc.d", _NAME, "defaults"))
    elif machine.program("chkconfig"):
        run(_there(machine, "chkconfig", "--add", _NAME))
    else:
        return [f"nothing here starts scripts at boot: have {INIT_SCRIPT} start run then"]
    return ["enabled: it is started at boot"]


def disable(machine: Machine) -> list[str]:
    """Do not have it started at boot; what runs goes on."""
    if machine.has_systemd():
        if os.path.lexists(machine.path(f"/etc/systemd/system/{SERVICE}")):
            run((*_systemctl(machine), "disable", *_UNITS))
    elif machine.program("update-rc.d"):
        run(_there(machine, "update-rc.d", "-f", _NAME, "remove"))
    elif machine.program("chkconfig"):
        run(_there(machine, "chkconfig", "--del", _NAME))
    return ["disabled: it is not started at boot any more"]


def close_socket(machine: Machine) -> None:
    """Have systemd listen no more: the first client would start the engine again."""
    if machine.is_live and machine.has_systemd():
        run(("systemctl", "stop", SOCKET))


def forget(machine: Machine) -> None:
    """Have systemd see that units are gone."""
    if machine.is_live and machine.has_systemd():
        run(("systemctl", "daemon-reload"))


def start(machine: Machine) -> list[str]:
    """Start it now; returns when the API answers. Raises CommandFailedError."""
    if machine.has_systemd():
        run(("systemctl", "restart", SOCKET))
        run(("systemctl", "start", SERVICE))
    else:
        run((INIT_SCRIPT, "start"))
    return ["started"]


def is_enabled(machine: Machine) -> bool:
    """Tell whether it is started at boot."""
    if machine.has_systemd():
        wanted = "/etc/systemd/system/multi-user.target.wants"
        return os.path.lexists(machine.path(f"{wanted}/{SERVICE}"))
    folders = (f"/etc/rc{level}.d" for level in (2, 3, 5))
    return any(
        name.startswith("S") and name.endswith(_NAME)
        for folder in folders
        if os.path.isdir(machine.path(folder))
        for name in os.listdir(machine.path(folder))
    )


def _systemctl(machine: Machine) -> tuple[str, ...]:
    # --root also where systemd runs on the machine that the root is made on.
    return ("systemctl",) if machine.is_live else ("systemctl", f"--root={machine.root}")
