"""`run`: create, start, wait, delete; the exit status is the program's."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
from collections.abc import Iterator

from wherry.runtime.command.create import create
from wherry.runtime.command.delete import delete
from wherry.runtime.command.errors import WrongStatusError
from wherry.runtime.command.kill import send
from wherry.runtime.command.records import Place, Record
from wherry.runtime.command.start import start

_FORWARDED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip


def main(parsed: argparse.Namespace) -> int:
    """Run the container; return its exit status, 128 and the number for a signal."""
    place = Place(parsed.root, parsed.id)
    record = create(parsed)
    try:
        with forwarding(record):
            start(parsed, place, record)
            if parsed.detach:
                return 0
            status = exit_status(record.pid)
    except BaseException:
        delete(parsed, place, record)
        raise
    if not parsed.keep:
        delete(parsed, place, record)
    return status


def exit_status(pid: int) -> int:
    """Wait for a child's end and return its status as a shell would."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def forwarding(record: Record) -> Iterator[None]:
    """Hand signals that this process gets on to the container's."""

    def forward(number: int, _frame: object) -> None:
        with contextlib.suppress(WrongStatusError):
            send(record, number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
