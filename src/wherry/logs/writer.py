"""The only writer of a container's output, used by the keeper; it never blocks on a pipe.

Owns a log directory for as long as nobody else writes there: the keeper that holds the container.
Must not know what a container is, nor parse what it prints.

Exactly once: output leaves the pipe by splice(2) straight into the raw file, in one system call
that either counts as read from the pipe and written to the file, or as neither. Then a record goes
to the index. Killed between the two, the next writer finds raw bytes without a record and writes it
(`segment`). So whatever instruction a SIGKILL hits, no byte is lost and none is there twice.

A full disk must not stop a container: output that cannot be stored is taken from the pipe and
dropped, and a record tells how much as soon as there is room for one. A record that cannot be
written is made good by the next, for ends are cumulative.

Rotation: when a segment has reached `max_size`, the next is begun and the oldest removed. Files are
opened on the first byte and can be closed at any time (`close`); what is needed is read back.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from wherry.base.values import dataclass
from wherry.logs.layout import index_path, raw_path, segments
from wherry.logs.record import LARGEST_AMOUNT, STREAMS, Kind
from wherry.logs.segment import MOST_AT_ONCE, Segment


@dataclass(frozen=True, slots=True)
class LogOptions:
    """When to rotate: `max_size` in bytes, 0 for never; `max_file` segments are kept."""

    max_size: int = 0
    max_file: int = 1


class LogWriter:
    """Writes one container's output. `null` is a descriptor of /dev/null opened for writing."""

    __slots__ = ("_clock", "_dropped", "_null", "_options", "_segment", "directory")

    def __init__(
        self,
        directory: str,
        null: int,
        options: LogOptions | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.directory = directory
        self._null = null
        self._options = options or LogOptions()
        self._clock = clock
        self._segment: Segment | None = None
        self._dropped = 0

    @property
    def is_open(self) -> bool:
        """True while this writer holds descriptors."""
        return self._segment is not None

    def pump(self, stream: int, source: int) -> int | None:
        """Store what pipe `source` holds as output of `stream` (0 standard output, 1 error).

        Returns the number of bytes taken from the pipe, 0 at its end, None when it is empty.
        """
        try:
            segment = self._segment or self._open()
            moved = segment.take(stream, source)
        except BlockingIOError:
            return None
        except OSError:
            return self._discard(source)
        if moved:
            self._record(segment, Kind.OUTPUT)
            if self._options.max_size and segment.size >= self._options.max_size:
                self._rotate(segment)
        return moved

    def mark(self, kind: Kind) -> bool:
        """Write that a run begins or ends, which also closes all lines; False on a full disk."""
        try:
            segment = self._segment or self._open()
        except OSError:
            return False
        segment.open_lines = [False, False]
        return self._record(segment, kind)

    def close(self) -> None:
        """Close the files; the next use opens them again."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _open(self) -> Segment:
        numbers = segments(self.directory)
        number = numbers[-1] if numbers else 0
        self._segment = Segment.open(self.directory, number)
        if number and self._segment.fresh:
            # Killed between making the index and its first record.
            self._carry_lines(self._segment)
        return self._segment

    def _carry_lines(self, segment: Segment) -> None:
        with contextlib.suppress(OSError):
            before = Segment.open(self.directory, segment.number - 1)
            segment.open_lines = before.open_lines
            segment.append(before.time_ns, Kind.SEGMENT)
            before.close()

    def _record(self, segment: Segment, kind: Kind) -> bool:
        now = self._clock()
        try:
            while self._dropped:
                amount = min(self._dropped, LARGEST_AMOUNT)
                segment.append(now, Kind.DROPPED, amount)
                self._dropped -= amount
            segment.append(now, kind)
        except OSError:
            return False
        return True

    def _discard(self, source: int) -> int | None:
        try:
            gone = os.splice(source, self._null, MOST_AT_ONCE, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            return None
        self._dropped += gone
        return gone

    def _rotate(self, full: Segment) -> None:
        """Begin the next segment, if there is room for one, and remove what is too old."""
        number = full.number + 1
        try:
            segment = Segment.open(self.directory, number)
        except OSError:
            return
        segment.open_lines = full.open_lines
        segment.time_ns = full.time_ns
        self._segment = segment
        full.close()
        self._record(segment, Kind.SEGMENT)
        for old in segments(self.directory):
            if old <= number - max(self._options.max_file, 1):
                self._remove(old)

    def _remove(self, number: int) -> None:
        """Remove a segment, its index last, so that one half removed is found again."""
        paths = [raw_path(self.directory, number, stream) for stream in STREAMS]
        for path in (*paths, index_path(self.directory, number)):
            with contextlib.suppress(OSError):
                os.unlink(path)
