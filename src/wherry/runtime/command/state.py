"""`state`: print a container's state as the runtime-spec has it, with what runc adds."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from wherry.runtime import hooks
from wherry.runtime.command.records import Place, Record


def main(parsed: argparse.Namespace) -> int:
    """Print the state."""
    place = Place(parsed.root, parsed.id)
    sys.stdout.write(json.dumps(described(place, place.read()), indent=2) + "\n")
    return 0


def described(place: Place, record: Record) -> dict[str, Any]:
    """Return the state; `pid` is 0 for a container whose process has ended."""
    status = place.status(record)
    pid = 0 if status == "stopped" else record.pid
    told = hooks.state(record.config, record.id, status, pid, record.bundle)
    return told | {"rootfs": record.rootfs, "created": record.created}
