"""Reading a container's output by lines: since, until, tail.

The place to begin is found without reading what comes before it: times by binary search in the
index, `tail` by counting lines backwards from the end. Only reads; a container that writes and
rotates meanwhile disturbs nothing, except that segments removed by rotation are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from wherry.base.values import dataclass
from wherry.logs.cursor import Cursor, Piece, Position, SegmentView, Step, end_of, locate, pieces
from wherry.logs.layout import segments
from wherry.logs.lines import Line, LineAssembler
from wherry.logs.record import Kind

__all__ = ["Line", "LineReader", "Query", "lines"]

# Bounds of one `LineReader.read`; passed by at most one record.
_MOST_RECORDS: Final = 256
_MOST_BYTES: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines are wanted: times in nanoseconds, both included; `tail` None for all."""

    follow: bool = False
    stdout: bool = True
    stderr: bool = True
    since_ns: int | None = None
    until_ns: int | None = None
    tail: int | None = None

    @property
    def wanted(self) -> tuple[bool, bool]:
        """The streams that are wanted, standard output first."""
        return self.stdout, self.stderr


def lines(directory: str, query: Query) -> Iterator[Line]:
    """Yield the lines that are there now, the last of a stream perhaps without its newline."""
    reader = LineReader(directory, query, stop=end_of(directory))
    try:
        while (batch := reader.read()) is not None:
            yield from batch
        yield from reader.flush()
    finally:
        reader.close()


class LineReader:
    """Goes through the lines that a query asks for, up to `stop` or to wherever the log has got."""

    def __init__(self, directory: str, query: Query, stop: Position | None = None) -> None:
        end = stop or end_of(directory)
        start = Position(0, 0)
        if query.since_ns is not None:
            start = min(locate(directory, query.since_ns), end)
        skip = 0
        if query.tail is not None:
            last = end
            if query.until_ns is not None:
                last = min(locate(directory, query.until_ns + 1), end)
            start, skip = _tail(directory, start, last, query)
        self._wanted = query.wanted
        self._until_ns = query.until_ns
        self._stop = stop
        self._cursor = Cursor(directory, start)
        self._assembler = LineAssembler(skip)
        self._run_ended = False
        self._past_until = False

    @property
    def run_ended(self) -> bool:
        """True if the latest record read is a run's end."""
        return self._run_ended

    @property
    def complete(self) -> bool:
        """True once no further line can match, however much is written."""
        return self._past_until and not self._assembler.holding

    def read(self) -> list[Line] | None:
        """Return some of the next lines, perhaps none of them, or None where all has been read.

        Reads a bounded amount, so that an event loop can call it.
        """
        found: list[Line] = []
        size = 0
        for done in range(_MOST_RECORDS):
            step = self._step()
            if step is None:
                return found if done else None
            found += self._take(step)
            size += sum(piece.end - piece.start for piece in step.pieces)
            if size >= _MOST_BYTES:
                break
        return found

    def flush(self) -> list[Line]:
        """Return lines that have begun and will not be completed."""
        return self._assembler.flush()

    def close(self) -> None:
        """Close all descriptors."""
        self._cursor.close()

    def _step(self) -> Step | None:
        at_stop = self._stop is not None and self._cursor.position >= self._stop
        return None if at_stop or self.complete else self._cursor.step()

    def _take(self, step: Step) -> list[Line]:
        record = step.record
        self._run_ended = record.kind is Kind.RUN_END
        if self._until_ns is not None and record.time_ns > self._until_ns:
            self._past_until = True
        if record.kind in (Kind.RUN_START, Kind.RUN_END):
            return self._assembler.flush()
        found: list[Line] = []
        for piece in step.pieces:
            if self._wanted[piece.stream]:
                found += self._lines_of(piece, record.time_ns)
        return found

    def _lines_of(self, piece: Piece, time_ns: int) -> list[Line]:
        data = self._cursor.data(piece)
        if self._past_until:
            return self._assembler.finish(piece.stream, data)
        return self._assembler.feed(piece.stream, time_ns, data, piece.continues)


def _tail(directory: str, start: Position, end: Position, query: Query) -> tuple[Position, int]:
    """Return where the last `query.tail` lines before `end` begin, and how many there to skip.

    Counts the beginnings of lines, record by record, backwards.
    """
    wanted = query.tail or 0
    if wanted <= 0:
        return end, 0
    found = 0
    for number in reversed(segments(directory)):
        if number > end.segment or number < start.segment:
            continue
        with suppress(FileNotFoundError), SegmentView(directory, number) as view:
            stop = end.record if number == end.segment else view.count()
            low = start.record if number == start.segment else 0
            for index, before, record in view.backwards(low, stop):
                for piece in pieces(before, record):
                    if query.wanted[piece.stream]:
                        found += _beginnings(view, piece)
                if found >= wanted:
                    return Position(number, index), found - wanted
    return start, 0


def _beginnings(view: SegmentView, piece: Piece) -> int:
    """Count the lines that begin in a piece: one after each newline but a last one."""
    data = view.data(piece)
    return data.count(b"\n", 0, max(len(data) - 1, 0)) + (not piece.continues)
