"""Starts the engine where nobody else does: detached, its output in a file, and waits for its API.

The engine tells that it is ready as it tells systemd (sd_notify), over a socket of this process.
Returns when it is; raises, and ends the engine, when it is not in time.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import Final

from wherry.base.errors import DeadlineError, UnavailableError

_MESSAGE_BYTES: Final = 4096
_END_SECONDS: Final = 10.0
_TOLD_BYTES: Final = 4096
_TOLD_LINES: Final = 5


class NotStartedError(UnavailableError):
    """The engine ended before its API answered."""


class TooSlowError(DeadlineError):
    """The engine did not answer in time, and was ended again."""


def start(words: Sequence[str], log: str, seconds: float) -> int:
    """Start a program and return its pid when it says READY=1.

    Raises NotStartedError with the last lines of its log, TooSlowError, OSError.
    """
    os.makedirs(os.path.dirname(log) or ".", 0o755, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="wherry.", dir="/tmp") as directory,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ready,
    ):
        ready.bind(f"{directory}/notify")
        process, begin = _spawn(words, log, f"{directory}/notify")
        pidfd = os.pidfd_open(process.pid)
        try:
            answered = _await_ready(ready, pidfd, time.monotonic() + seconds)
        finally:
            os.close(pidfd)
    if answered:
        process.returncode = 0  # it goes on without us
        return process.pid
    if process.poll() is not None:
        raise NotStartedError(f"{words[0]} did not start: {_end_of(log, begin) or 'see ' + log}")
    _end(process)
    raise TooSlowError(
        f"{words[0]} did not answer within {seconds:g} seconds and was ended; its log is {log}"
    )


def _spawn(words: Sequence[str], log: str, notify: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start the program; returns it and how long the log was before."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    output = os.open(log, flags, 0o640)
    try:
        begin = os.fstat(output).st_size
        environment = {**os.environ, "NOTIFY_SOCKET": notify}
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(output)
    return process, begin


def _await_ready(ready: socket.socket, pidfd: int, deadline: float) -> bool:
    """Wait for READY=1; False when the process ends before, or time is up."""
    watched = select.poll()
    watched.register(ready, select.POLLIN)
    watched.register(pidfd, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        events = {number for number, _ in watched.poll(left * 1000)}
        if ready.fileno() in events:
            if b"READY=1" in ready.recv(_MESSAGE_BYTES).splitlines():
                return True
        elif pidfd in events:
            return False
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_of(log: str, begin: int) -> str:
    """Return the last lines that were written since."""
    with open(log, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(begin, size - _TOLD_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_TOLD_LINES:])
