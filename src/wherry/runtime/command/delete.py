"""`delete`: remove what is left of a container; with `--force` kill it first."""

from __future__ import annotations

import argparse
import os
import signal

from wherry.base.errors import DeadlineError
from wherry.linux import pidfd
from wherry.runtime import cgroups, hooks
from wherry.runtime.command import reporting, waiting
from wherry.runtime.command.create import remove_cgroups
from wherry.runtime.command.errors import NoContainerError, WrongStatusError
from wherry.runtime.command.kill import send
from wherry.runtime.command.records import Place, Record
from wherry.runtime.report import StepError

_KILL_SECONDS = 10.0


def main(parsed: argparse.Namespace) -> int:
    """Delete the container; with `--force` one that does not exist is no error."""
    place = Place(parsed.root, parsed.id)
    try:
        record = place.read()
    except NoContainerError:
        if not parsed.force:
            raise
        place.remove()  # what a `create` that was cut off has left
        return 0
    status = place.status(record)
    if status != "stopped" and not parsed.force:
        raise WrongStatusError(f"cannot delete container {record.id} that is not stopped: {status}")
    delete(parsed, place, record)
    return 0


def delete(parsed: argparse.Namespace, place: Place, record: Record) -> None:
    """Kill what runs, remove cgroups and record, run the last hooks."""
    if record.alive:
        _end(record)
    if record.cgroups_path:
        # Processes that were put there from outside, or live in a PID namespace of others.
        cgroups.kill(record.cgroups_path)
    remove_cgroups(record)
    place.remove()
    told = hooks.state(record.config, record.id, "stopped", 0, record.bundle)
    for hook in (record.config.get("hooks") or {}).get("poststop") or []:
        try:
            hooks.run_all("poststop", [hook], told)
        except StepError as error:
            # The specification has the deletion go on, with a warning.
            reporting.log(parsed, "warning", str(error))


def _end(record: Record) -> None:
    try:
        opened = pidfd.open_pidfd(record.pid)
    except ProcessLookupError:
        return
    try:
        if record.cgroups_path and cgroups.is_frozen(record.cgroups_path):
            cgroups.freeze(record.cgroups_path, frozen=False)  # on v1 it would not die before
        try:
            send(record, signal.SIGKILL)
        except WrongStatusError:
            return
        if not waiting.ended(opened, _KILL_SECONDS):
            raise DeadlineError(f"process {record.pid} of {record.id} does not die")
    finally:
        os.close(opened)
