"""From pieces of output to lines: a pure state machine, one buffer per stream.

A line's time is that of the piece in which it begins. Lines of both streams come out in the order
in which they are complete.
"""

from __future__ import annotations

from typing import Final

from wherry.base.values import dataclass
from wherry.logs.record import STREAMS

# A longer line comes in several `Line`s of which only the last ends with a newline.
LONGEST_PART: Final = 1 << 20


@dataclass(slots=True)
class Line:
    """One line. `data` has its newline if it had one; `stream` is "stdout" or "stderr"."""

    time_ns: int
    stream: str
    data: bytes


@dataclass(slots=True)
class _Open:
    """A line that has begun; `hidden` if it is not to be shown."""

    time_ns: int
    hidden: bool
    data: bytearray


class LineAssembler:
    """Cuts pieces into lines. The first `skip` lines to begin are not shown."""

    def __init__(self, skip: int = 0) -> None:
        self._skip = skip
        self._open: list[_Open | None] = [None, None]

    @property
    def holding(self) -> bool:
        """True while a line has begun and is not complete."""
        return any(self._open)

    def feed(self, stream: int, time_ns: int, data: bytes, continues: bool) -> list[Line]:
        """Take a piece and return what it completes.

        `continues` says that its first byte belongs to a line begun earlier; if that beginning was
        not fed, the rest of the line is passed over.
        """
        *whole, rest = data.split(b"\n")
        lines: list[Line] = []
        current = self._open[stream]
        if current is None and continues:
            current = _Open(time_ns, hidden=True, data=bytearray())
        for part in whole:
            current = current or self._begin(time_ns)
            current.data += part
            current.data += b"\n"
            self._emit(stream, current, lines)
            current = None
        if rest:
            current = current or self._begin(time_ns)
            current.data += rest
            if len(current.data) >= LONGEST_PART:
                self._emit(stream, current, lines)
                current.data = bytearray()
        self._open[stream] = current
        return lines

    def finish(self, stream: int, data: bytes) -> list[Line]:
        """Complete the stream's open line, if any, from `data`, and begin no other."""
        if self._open[stream] is None:
            return []
        line, newline, _ = data.partition(b"\n")
        return self.feed(stream, 0, line + newline, continues=True)

    def flush(self) -> list[Line]:
        """Return the open lines as they are: no more of them will come."""
        lines: list[Line] = []
        for stream, current in enumerate(self._open):
            if current is not None and current.data:
                self._emit(stream, current, lines)
        self._open = [None, None]
        return sorted(lines, key=lambda line: line.time_ns)

    def _begin(self, time_ns: int) -> _Open:
        hidden = self._skip > 0
        self._skip -= hidden
        return _Open(time_ns, hidden, bytearray())

    def _emit(self, stream: int, line: _Open, into: list[Line]) -> None:
        if not line.hidden:
            into.append(Line(line.time_ns, STREAMS[stream], bytes(line.data)))
