"""Who listens on unix sockets, as /proc/net/unix says, without connecting to anybody."""

from __future__ import annotations

from typing import Final

PATH: Final = "/proc/net/unix"
# __SO_ACCEPTCON (linux/net.h): the flags of a socket that listens.
_LISTENS: Final = "00010000"


def listening(text: str) -> set[str]:
    """Return the paths, as they were bound, from the content of the file (pure)."""
    rows = (line.split(None, 7) for line in text.splitlines()[1:])
    return {row[7] for row in rows if len(row) == 8 and row[3] == _LISTENS}
