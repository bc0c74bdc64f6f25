"""Files of logs: appended to, so that several processes can share one and others can move it."""

from __future__ import annotations

import os

STANDARD_OUTPUT = "-"


def open_log(path: str) -> int:
    """Return a descriptor to write lines to; "-" is standard output. Raises OSError."""
    if path == STANDARD_OUTPUT:
        return 1
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
