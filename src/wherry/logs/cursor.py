"""Walking the records of a log directory while it is being written and rotated.

A `Position` names a place between two records. A `Cursor` stands at one, holds the descriptors of
its segment (so rotation takes nothing away from a slow reader but whole segments), and goes
forward. Nothing here waits: `Cursor.step` returns None where there is nothing yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple, Self

from wherry.base.values import dataclass
from wherry.logs.layout import index_path, raw_path, segments
from wherry.logs.record import BLANK, RECORD_SIZE, STREAMS, Kind, Record, decode

_BLOCK: Final = 256


class Position(NamedTuple):
    """Before record `record` of a segment; compares in order of time."""

    segment: int
    record: int


START: Final = Position(0, 0)


@dataclass(slots=True)
class Piece:
    """Output of one stream that one record added: raw bytes `start` to `end`."""

    stream: int
    start: int
    end: int
    continues: bool


@dataclass(slots=True)
class Step:
    """What one record added. `position` is the place before it."""

    position: Position
    record: Record
    pieces: list[Piece]


def pieces(before: Record, record: Record) -> list[Piece]:
    """Return what `record` added to the state that `before` describes."""
    return [
        Piece(stream, before.ends[stream], record.ends[stream], before.open_lines[stream])
        for stream in (0, 1)
        if record.ends[stream] > before.ends[stream]
    ]


class SegmentView:
    """The descriptors of one segment, open for reading. Raises FileNotFoundError if it is gone."""

    def __init__(self, directory: str, number: int) -> None:
        self.number = number
        self._directory = directory
        self._raw = [-1, -1]
        self._index = -1
        self._index = os.open(index_path(directory, number), os.O_RDONLY | os.O_CLOEXEC)
        # Opened now where they exist, so that a rotation cannot take them from under a reader.
        for stream in (0, 1):
            self._open_raw(stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all descriptors."""
        for descriptor in (self._index, *self._raw):
            if descriptor >= 0:
                os.close(descriptor)
        self._index, self._raw = -1, [-1, -1]

    def count(self) -> int:
        """Return how many records there are now."""
        return os.fstat(self._index).st_size // RECORD_SIZE

    def records(self, start: int, stop: int) -> list[Record]:
        """Return the records from `start` up to `stop`, or up to what there is."""
        return decode(os.pread(self._index, (stop - start) * RECORD_SIZE, start * RECORD_SIZE))

    def state(self, index: int) -> Record:
        """Return the record before place `index`: the state there."""
        found = self.records(index - 1, index) if index else []
        return found[0] if found else BLANK

    def data(self, piece: Piece) -> bytes:
        """Return a piece's bytes; fewer where the file has lost them."""
        raw = self._open_raw(piece.stream)
        return os.pread(raw, piece.end - piece.start, piece.start) if raw >= 0 else b""

    def first_at(self, time_ns: int) -> int:
        """Return the index of the first record at or after a time, by binary search."""
        low, high = 0, self.count()
        while low < high:
            middle = (low + high) // 2
            if self.state(middle + 1).time_ns < time_ns:
                low = middle + 1
            else:
                high = middle
        return low

    def backwards(self, start: int, stop: int) -> Iterator[tuple[int, Record, Record]]:
        """Yield (index, state before, record) from `stop` - 1 down to `start`, read in blocks."""
        while stop > start:
            low = max(start, stop - _BLOCK)
            block = [self.state(low), *self.records(low, stop)]
            for offset in range(len(block) - 1, 0, -1):
                yield low + offset - 1, block[offset - 1], block[offset]
            stop = low

    def _open_raw(self, stream: int) -> int:
        if self._raw[stream] < 0:
            path = raw_path(self._directory, self.number, STREAMS[stream])
            with suppress(FileNotFoundError):
                self._raw[stream] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return self._raw[stream]


def end_of(directory: str) -> Position:
    """Return the place behind all that is there now."""
    for number in reversed(segments(directory)):
        with suppress(FileNotFoundError), SegmentView(directory, number) as view:
            return Position(number, view.count())
    return START


def locate(directory: str, time_ns: int) -> Position:
    """Return the place before the first record at or after a time."""
    found = end_of(directory)
    for number in reversed(segments(directory)):
        with suppress(FileNotFoundError), SegmentView(directory, number) as view:
            index = view.first_at(time_ns)
            if index < view.count():
                found = Position(number, index)
            if index:
                break
    return found


class Cursor:
    """Goes through the records of a directory from a position on, over rotations."""

    def __init__(self, directory: str, position: Position = START) -> None:
        self._directory = directory
        self._position = position
        self._view: SegmentView | None = None
        self._before = BLANK
        self._ahead: list[Record] = []

    @property
    def position(self) -> Position:
        """The place before the next step."""
        return self._position

    def step(self) -> Step | None:
        """Go over one record and return what it added, or None where there is nothing yet."""
        if not self._ahead and not self._look_ahead():
            return None
        record = self._ahead.pop()
        step = Step(self._position, record, pieces(self._before, record))
        self._before = record
        self._position = Position(self._position.segment, self._position.record + 1)
        return step

    def data(self, piece: Piece) -> bytes:
        """Return the bytes of a piece of the latest step."""
        return self._view.data(piece) if self._view is not None else b""

    def close(self) -> None:
        """Close all descriptors; the cursor is of no further use."""
        if self._view is not None:
            self._view.close()
            self._view = None

    def _look_ahead(self) -> bool:
        while True:
            if self._view is None and not self._enter():
                return False
            assert self._view is not None
            # Looked for before reading: once a later segment exists, this one grows no more.
            later = self._later()
            index = self._position.record
            self._ahead = self._view.records(index, index + _BLOCK)[::-1]
            if self._ahead or later is None:
                return bool(self._ahead)
            self.close()
            self._position = Position(later, 0)

    def _enter(self) -> bool:
        """Open the segment of the position, or the oldest later one where that is gone."""
        numbers = segments(self._directory)
        for number in (n for n in numbers if n >= self._position.segment):
            if number != self._position.segment:
                self._position = Position(number, 0)
            with suppress(FileNotFoundError):
                self._view = SegmentView(self._directory, number)
                self._before = self._view.state(self._position.record)
                return True
        return False

    def _later(self) -> int | None:
        number = self._position.segment
        if os.path.exists(index_path(self._directory, number + 1)):
            return number + 1
        # With the next already removed again, only a listing tells; a removed own index says so.
        if os.path.exists(index_path(self._directory, number)):
            return None
        return next((n for n in segments(self._directory) if n > number), None)


def is_run_end(record: Record) -> bool:
    """Tell whether a run ends here."""
    return record.kind is Kind.RUN_END
