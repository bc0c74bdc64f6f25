"""How wide the user's terminal is (`shutil` would cost 5 ms of every start)."""

from __future__ import annotations

import os

USUAL = (80, 24)


def size(fd: int = 1) -> tuple[int, int]:
    """Return (columns, lines): COLUMNS and LINES, else the terminal's, else the usual ones."""
    try:
        found: tuple[int, int] = os.get_terminal_size(fd)
    except OSError:
        found = USUAL
    return _asked("COLUMNS") or found[0] or USUAL[0], _asked("LINES") or found[1] or USUAL[1]


def _asked(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def room() -> int:
    """Return the width that tables must keep to; 0 where nobody looks."""
    return size()[0] if os.isatty(1) else 0
