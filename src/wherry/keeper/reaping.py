"""How a process ended, asked through its pidfd; never waits."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from wherry.linux import pidfd as linux_pidfd

_WALL: Final = 0x40000000  # children whose exit signal is not SIGCHLD, too (wait(2), __WALL)
_CORE_DUMPED: Final = 0x80


def wait_status(pidfd: int) -> int | None:
    """Reap the process if it is our child and has ended; return its status as wait(2) gives it.

    For somebody else's child the kernel is asked, which knows while it is a zombie, and from Linux
    6.15 on also when it has been reaped. None: still running, or unknown for good.
    """
    try:
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | _WALL)
    except ChildProcessError:
        return linux_pidfd.exit_status(pidfd)
    return None if ended is None else _status_of(ended)


def reap_strays(known: Callable[[int], Callable[[], None] | None]) -> None:
    """Reap children that have ended: orphans that a subreaper inherits.

    `known` gives, for a pid that somebody looks after, what to call to have it reaped.
    """
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL)
        except ChildProcessError:
            return
        if ended is None:
            return
        reap = known(ended.si_pid)
        if reap is not None:
            reap()
        else:
            os.waitid(os.P_PID, ended.si_pid, os.WEXITED | os.WNOHANG | _WALL)


def _status_of(ended: os.waitid_result) -> int:
    if ended.si_code == os.CLD_EXITED:
        return ended.si_status << 8
    return ended.si_status | (_CORE_DUMPED if ended.si_code == os.CLD_DUMPED else 0)
