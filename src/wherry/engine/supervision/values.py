"""What supervision is told and what it tells."""

from __future__ import annotations

import os

from wherry.base.values import dataclass, field
from wherry.keeper.protocol import Custody, Exited
from wherry.logs.writer import LogOptions

_SIGNALLED = 128


@dataclass(frozen=True, slots=True)
class KnownProcess:
    """A process that the engine's records say is running. An exec has no log directory."""

    id: str
    pid: int
    start_ticks: int
    log_directory: str = ""
    log_options: LogOptions = field(default_factory=LogOptions)


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """How a process ended. `exit_code` is 128 + `signal` if one killed it, None if nobody knows."""

    id: str
    exit_code: int | None
    signal: int | None
    core_dumped: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a process: it runs (`custody`), has ended (`exit`), or is gone (neither)."""

    id: str
    custody: Custody | None = None
    exit: ExitRecord | None = None


def exit_record(exited: Exited) -> ExitRecord:
    """Read a wait status; unknown stays unknown."""
    status = exited.wait_status
    if status is None:
        return ExitRecord(exited.id, None, None, core_dumped=False, at_ns=exited.at_ns)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        dumped = os.WCOREDUMP(status)
        return ExitRecord(exited.id, _SIGNALLED + number, number, dumped, exited.at_ns)
    return ExitRecord(
        exited.id, os.WEXITSTATUS(status), None, core_dumped=False, at_ns=exited.at_ns
    )
