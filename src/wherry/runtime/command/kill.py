"""`kill`: send a signal to a container's first process, or to all of them."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal

from wherry.base.errors import InvalidError
from wherry.linux import pidfd
from wherry.linux.process import is_running
from wherry.runtime import cgroups
from wherry.runtime.command.errors import WrongStatusError
from wherry.runtime.command.records import Place, Record

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def main(parsed: argparse.Namespace) -> int:
    """Send the signal."""
    number = signal_number(parsed.signal)
    place = Place(parsed.root, parsed.id)
    record = place.read()
    status = place.status(record)
    if parsed.all:
        _signal_all(record, number)
    elif status in ("stopped", "creating"):
        raise WrongStatusError("container not running")
    else:
        # A first process ignores what it has no handler for, and the one that waits has none.
        send(record, signal.SIGKILL if status == "created" and number in _ENDING else number)
    return 0


def signal_number(word: str) -> int:
    """Return the number of a signal given as 15, TERM or SIGTERM."""
    if word.isdecimal() and int(word) < signal.NSIG:
        return int(word)
    name = word.upper()
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise InvalidError(f"unknown signal {word!r}") from None


def send(record: Record, number: int) -> None:
    """Send a signal to the first process; raises WrongStatusError when it has ended."""
    try:
        opened = pidfd.open_pidfd(record.pid)
    except ProcessLookupError:
        raise WrongStatusError("container not running") from None
    try:
        # Looked at once it cannot become another process any more.
        if not is_running(record.pid, record.ticks):
            raise WrongStatusError("container not running")
        pidfd.send_signal(opened, number)
    except ProcessLookupError:
        raise WrongStatusError("container not running") from None
    finally:
        os.close(opened)


def _signal_all(record: Record, number: int) -> None:
    for pid in cgroups.pids(record.cgroups_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
