"""Runs checks: each in a process of its own, a few at once, none for longer than it is allowed.

A check that raises, crashes or hangs is a finding like any other. Its process leads a group, which
ends with it: programs that it started do not outlive it. One that is to end is first asked to, so
that it removes what it made to try something.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Final, NoReturn

from wherry.base.values import dataclass, field
from wherry.doctor.check import Check
from wherry.doctor.finding import Finding, Level, note, warning
from wherry.doctor.machine import Machine

AT_ONCE: Final = 4
_GRACE_SECONDS: Final = 0.3
_REPORT: Final = "the doctor could not look at this; the rest of the answer holds"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a check may take, and all of them together, in seconds."""

    each: float = 3.0
    together: float = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found."""

    check: Check
    findings: Sequence[Finding]


@dataclass(slots=True)
class _Running:
    check: Check
    pid: int
    channel: int
    deadline: float
    data: bytearray = field(default_factory=bytearray)


def examine(
    checks: Iterable[Check], machine: Machine, limits: Limits | None = None
) -> Iterator[Result]:
    """Run every check and yield the results in the order of the checks."""
    limits = limits or Limits()
    end = time.monotonic() + limits.together
    waiting, order = list(checks), list(checks)
    running: list[_Running] = []
    done: dict[str, Result] = {}
    try:
        while order:
            while waiting and len(running) < AT_ONCE and time.monotonic() < end:
                deadline = min(time.monotonic() + limits.each, end)
                running.append(_start(waiting.pop(0), machine, deadline))
            for finished, findings in _progress(running):
                done[finished.check.name] = Result(finished.check, findings)
            while order and (order[0].name in done or (not running and time.monotonic() >= end)):
                check = order.pop(0)
                yield done.get(check.name) or Result(check, [_no_time("there was no time left")])
    finally:
        for left in running:
            _end(left)


def _start(check: Check, machine: Machine, deadline: float) -> _Running:
    """Fork a process that runs a check."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _run_and_exit(check, machine, writing)
    os.close(writing)
    with contextlib.suppress(OSError):  # the child does the same: whoever comes first
        os.setpgid(pid, pid)
    return _Running(check, pid, reading, deadline)


def _run_and_exit(check: Check, machine: Machine, channel: int) -> NoReturn:
    """Be the process of a check."""
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, _give_up)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # libraries print
            os.dup2(nothing, descriptor)
        findings = look(check, machine)
        data = json.dumps([astuple(finding) for finding in findings]).encode()
        with os.fdopen(channel, "wb") as file:
            file.write(data)
    finally:
        os._exit(0)


def _give_up(_number: int, _frame: object) -> None:
    raise SystemExit


def look(check: Check, machine: Machine) -> list[Finding]:
    """Run a check here; whatever it raises becomes a finding."""
    if check.root and not machine.is_root:
        return [_unseen()]
    try:
        return check.run(machine)
    except PermissionError as error:
        if not machine.is_root:
            return [_unseen()]
        return [_failed(error)]
    except Exception as error:
        return [_failed(error)]


def _unseen() -> Finding:
    return note("not looked at: only root can", "", "sudo wherry doctor")


def _failed(error: Exception) -> Finding:
    return warning(f"the check itself failed: {type(error).__name__}: {error}", _REPORT)


def _no_time(why: str) -> Finding:
    return warning(f"not looked at: {why}", _REPORT)


def _progress(running: list[_Running]) -> list[tuple[_Running, list[Finding]]]:
    """Wait for something to happen; take out of `running` what has ended and what is overdue."""
    if not running:
        return []
    now = time.monotonic()
    patience = max(min(one.deadline for one in running) - now, 0)
    readable, _, _ = select.select([one.channel for one in running], [], [], patience)
    now, finished = time.monotonic(), []
    for one in list(running):
        if one.channel in readable:
            data = os.read(one.channel, 1 << 16)
            one.data += data
            if data:
                continue
            findings = _decode(one)
        elif one.deadline <= now:
            findings = [_no_time("it took too long, which a disk or a program that hangs can do")]
        else:
            continue
        running.remove(one)
        _end(one)
        finished.append((one, findings))
    return finished


def _decode(one: _Running) -> list[Finding]:
    try:
        return [
            Finding(Level(level), text, effect, tuple(mend))
            for level, text, effect, mend in json.loads(one.data)
        ]
    except ValueError:
        return [warning("the check itself crashed", _REPORT)]


def _end(one: _Running) -> None:
    """End a process and all that it started."""
    os.close(one.channel)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while not _reaped(one.pid) and time.monotonic() < deadline:
        time.sleep(0.002)  # waitpid cannot be told how long to wait
    with contextlib.suppress(ProcessLookupError):
        os.killpg(one.pid, signal.SIGKILL)
    # One that sleeps in the kernel cannot be ended, and is not waited for.
    _reaped(one.pid)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
