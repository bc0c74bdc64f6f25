"""Fault points: named places where a test makes the process die or fail.

`WHERRY_FAULTS` holds `name=action` pairs separated by commas; the action is `kill` (SIGKILL to
ourselves, as a crash would) or `raise` (OSError with EIO). Without the variable a point is one
look into an empty dictionary. Names are dotted and say what has just been done.
"""

from __future__ import annotations

import errno
import os
import signal

VARIABLE = "WHERRY_FAULTS"


def parse(text: str) -> dict[str, str]:
    """Read what the variable holds; entries without an action mean `kill`."""
    pairs = (entry.partition("=") for entry in text.split(",") if entry)
    return {name.strip(): action.strip() or "kill" for name, _, action in pairs}


_active = parse(os.environ.get(VARIABLE, ""))


def point(name: str) -> None:
    """Do nothing, unless the environment asked for a fault here."""
    action = _active.get(name)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise OSError(errno.EIO, f"fault point {name}")
