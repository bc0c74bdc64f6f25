"""`start`: let a created container exec its program."""

from __future__ import annotations

import argparse

from wherry.runtime import hooks
from wherry.runtime.command import reporting, waiting
from wherry.runtime.command.errors import WrongStatusError
from wherry.runtime.command.records import Place, Record
from wherry.runtime.launch import Failed
from wherry.runtime.report import PROCEED, StepError


def main(parsed: argparse.Namespace) -> int:
    """Start the container."""
    place = Place(parsed.root, parsed.id)
    start(parsed, place, place.read())
    return 0


def start(parsed: argparse.Namespace, place: Place, record: Record) -> None:
    """Start the container of this record; raises when its program cannot be run."""
    status = place.status(record)
    if status != "created":
        raise WrongStatusError(f"cannot start a container in the {status} state")
    with place.connect() as channel:
        channel.send(PROCEED)
        report = waiting.next_report(channel.fileno())
    place.started()
    if isinstance(report, Failed):
        raise waiting.failure(report)
    told = hooks.state(record.config, record.id, "running", record.pid, record.bundle)
    for hook in (record.config.get("hooks") or {}).get("poststart") or []:
        try:
            hooks.run_all("poststart", [hook], told)
        except StepError as error:
            # The specification has the container go on, with a warning.
            reporting.log(parsed, "warning", str(error))
