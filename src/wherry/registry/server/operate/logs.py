"""The program's own log: lines on standard error, which whoever started it keeps."""

from __future__ import annotations

import logging
import sys

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def set_up(level: str, worker: str = "") -> None:
    """Log from this level on; `worker` tells several processes apart."""
    process = f" [{worker}]" if worker else ""
    logging.basicConfig(
        level=_LEVELS[level],
        format=f"%(asctime)s %(levelname)s{process} %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    # It says which selector it uses, and how long each callback took.
    logging.getLogger("asyncio").setLevel(max(_LEVELS[level], logging.INFO))
