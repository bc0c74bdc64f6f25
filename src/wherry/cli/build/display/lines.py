"""What a step's process writes, as lines: pure.

Bytes come in any pieces. A carriage return begins the line again, as progress bars do it: of such a
line the last state counts. A line without an end is given out in parts of 64 KiB.
"""

from __future__ import annotations

import re

LONGEST = 1 << 16
_CONTROL = re.compile(
    r"\x1b\[[0-9;:?]*[ -/]*[@-~]"  # moves, colours
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b.|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)
_TAB = 8


class Lines:
    """Puts the lines of one stream together."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[str]:
        """Take bytes and return the lines that they complete."""
        *whole, self._held = (self._held + data).split(b"\n")
        found = [_text(line) for line in whole]
        while len(self._held) >= LONGEST:
            found.append(_text(self._held[:LONGEST]))
            self._held = self._held[LONGEST:]
        return found

    @property
    def unfinished(self) -> str:
        """The line that is being written."""
        return _text(self._held)

    def finish(self) -> list[str]:
        """Return what is left."""
        rest, self._held = self.unfinished, b""
        return [rest] if rest else []


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")


def shown(text: str) -> str:
    """Return a line without anything that would move a terminal's cursor or change its colours."""
    return _CONTROL.sub("", text.expandtabs(_TAB))
