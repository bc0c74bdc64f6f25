"""`pause` and `resume`: stop all processes of a container, and let them go on."""

from __future__ import annotations

import argparse

from wherry.runtime import cgroups
from wherry.runtime.command.errors import WrongStatusError
from wherry.runtime.command.records import Place


def main(parsed: argparse.Namespace) -> int:
    """Pause or resume, whichever the verb is."""
    place = Place(parsed.root, parsed.id)
    record = place.read()
    status = place.status(record)
    wanted = "running" if parsed.verb == "pause" else "paused"
    if status != wanted:
        raise WrongStatusError(f"cannot {parsed.verb} a container in the {status} state")
    cgroups.freeze(record.cgroups_path, frozen=parsed.verb == "pause")
    return 0
