"""Signals as events of a loop: the handler only writes a byte, and the loop acts on it.

So a signal that comes in the middle of a request to the engine does not start a second one on the
same connection.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

PROXIED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGALRM, signal.SIGCONT, signal.SIGIO, signal.SIGPWR,
)  # fmt: skip


class Signals:
    """Readable `fd`, and what to do when it is."""

    def __init__(self, fd: int, act: Callable[[int], None]) -> None:
        self.fd = fd
        self._act = act

    def dispatch(self) -> None:
        """Act on the signals that have come."""
        for number in os.read(self.fd, 64):
            self._act(number)


@contextlib.contextmanager
def caught(numbers: tuple[signal.Signals, ...], act: Callable[[int], None]) -> Iterator[Signals]:
    """Turn these signals into events for a while."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    before = {number: signal.signal(number, _ignore) for number in numbers}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield Signals(reading, act)
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _ignore(_number: int, _frame: object) -> None:
    """Take the signal; the wake-up descriptor has already told the loop."""
