"""Whether an engine runs, since when, and what holds containers: asked of the kernel alone.

The pidfile's lock says whether somebody runs, not its content: a process that has the number of one
that died is not taken for it.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from typing import Final

from wherry.base.values import dataclass
from wherry.linux import unix_sockets
from wherry.linux.process import start_ticks

_KEEPER: Final = re.compile(r"keeper-\d+\.sock")


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that runs; `since` in seconds since the epoch, 0 where that is not known."""

    pid: int
    since: float


def running(pidfile: str) -> Running | None:
    """Return the engine that has a pidfile, or None."""
    try:
        descriptor = os.open(pidfile, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32).decode(errors="replace").strip()
        pid = int(text) if text.isdecimal() else 0
        return Running(pid, _since(pid))
    else:
        return None
    finally:
        os.close(descriptor)


def _since(pid: int) -> float:
    ticks = start_ticks(pid) if pid else None
    if ticks is None:
        return 0
    with open("/proc/stat", encoding="ascii") as file:
        booted = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def keepers(exec_root: str) -> int:
    """Return how many processes there are that hold containers.

    They are not connected to: each has one engine at a time, the last one that came.
    """
    with open(unix_sockets.PATH, encoding="utf-8", errors="replace") as file:
        found = map(os.path.split, unix_sockets.listening(file.read()))
    return sum(
        folder == exec_root and _KEEPER.fullmatch(name) is not None for folder, name in found
    )


def answers(path: str) -> bool:
    """Tell whether somebody listens on a unix socket that we may use."""
    try:
        return listens(path)
    except PermissionError:
        return False


def listens(path: str) -> bool:
    """Tell whether somebody listens on a unix socket; raises PermissionError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except BlockingIOError:
            return True  # so many wait there that nobody else can
        except PermissionError:
            raise
        except OSError:
            return False
    return True
