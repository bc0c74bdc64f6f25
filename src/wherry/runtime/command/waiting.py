"""Waiting for what a child reports, and for its end."""

from __future__ import annotations

import os
import select

from wherry.base.atomic import write_file
from wherry.runtime.command.errors import LaunchFailedError
from wherry.runtime.launch import Failed, Report, read_report


def next_report(channel: int) -> Report:
    """Wait for the next report of a child."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while (report := read_report(channel)) is None:
        poll.poll()
    return report


def failure(failed: Failed) -> LaunchFailedError:
    """Return the error for a report of failure."""
    return LaunchFailedError(failed.message)


def ended(pidfd: int, seconds: float | None = None) -> bool:
    """Wait for the end of a process; tell whether it came in time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def write_pid(path: str, pid: int) -> None:
    """Write a pid file: whole, or not at all."""
    write_file(os.path.abspath(path), str(pid).encode(), sync=False)
