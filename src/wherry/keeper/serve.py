"""The keeper's program: one thread, one epoll loop, started by `start` with a listening socket.

It leads a session of its own, so no terminal's signals reach it. It is a child subreaper: what a
container in the host's PID namespace leaves behind is reaped here. SIGTERM ends it if it holds
nothing; else it stays, for its containers' sake, until they have ended.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
from typing import Final

from wherry.keeper.connection import Listener
from wherry.keeper.launcher import Launcher
from wherry.keeper.loop import Loop
from wherry.keeper.processes import Processes
from wherry.keeper.service import Service
from wherry.linux import prctl

# Python ignores these, and what is ignored stays so over an exec; handlers do not.
_INHERITED_IF_IGNORED: Final = (signal.SIGPIPE, signal.SIGXFSZ)
_HARMLESS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def main(exec_root: str, listening: int, launcher: Launcher) -> None:
    """Serve on an inherited listening socket until retired."""
    _close_inherited(keep=listening)
    os.chdir("/")
    os.umask(0o022)
    prctl.set_child_subreaper()
    launcher.preload()
    loop = Loop()
    service = Service(loop, loop.stop)
    service.processes = Processes(loop, exec_root, launcher, service.tell)
    server = socket.socket(fileno=listening)
    # A child that held it would seem to listen after our death.
    server.set_inheritable(False)
    service.listener = Listener(loop, server, service.handle, service.engine_lost)
    path = server.getsockname()
    _handle_signals(loop, service)
    gc.collect()
    # What is here now stays for good: forked children then share these pages untouched.
    gc.freeze()
    loop.run()
    if os.path.exists(path):
        os.unlink(path)


def _close_inherited(keep: int) -> None:
    """Close what the engine has passed on but for the socket: the interpreter's memfd."""
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number != keep:
            with contextlib.suppress(OSError):
                os.close(number)


def _handle_signals(loop: Loop, service: Service) -> None:
    """Have signals arrive as bytes on a socket that the loop watches."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def arrived(_mask: int) -> None:
        numbers = set(here.recv(4096))
        if signal.SIGCHLD in numbers:
            service.processes.reap()
        if signal.SIGTERM in numbers:
            service.asked_to_end()

    for number in (*_INHERITED_IF_IGNORED, *_HARMLESS, signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    signal.set_wakeup_fd(there.detach(), warn_on_full_buffer=False)
    loop.add(here.fileno(), arrived)
