"""The segment that is being written: its three descriptors, and what its last record said.

Whoever opens a segment first makes it whole again (`Segment.open`): records that reach beyond the
raw files (a power cut lost what they speak of) are cut off, and raw bytes beyond the last record
(the writer was killed before it wrote one) get one, with the time at which the bytes were written.
"""

from __future__ import annotations

import os
from typing import Final

from wherry.logs.layout import index_path, raw_path
from wherry.logs.record import BLANK, RECORD_SIZE, STREAMS, Kind, Record, decode, encode

# As much as one splice may move; pipes are smaller unless somebody enlarged them.
MOST_AT_ONCE: Final = 1 << 20
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Segment:
    """One writer's view of a segment; `ends` and `open_lines` are the truth of the raw files."""

    __slots__ = (
        "_index",
        "_index_size",
        "_raw",
        "directory",
        "ends",
        "number",
        "open_lines",
        "time_ns",
    )

    def __init__(self, directory: str, number: int, index: int) -> None:
        self.directory = directory
        self.number = number
        self.ends = [0, 0]
        self.open_lines = [False, False]
        self.time_ns = 0
        self._index = index
        self._index_size = 0
        self._raw = [-1, -1]

    @classmethod
    def open(cls, directory: str, number: int) -> Segment:
        """Open or make a segment and mend what an interrupted writer left. Raises OSError."""
        segment = cls(directory, number, os.open(index_path(directory, number), _FLAGS, 0o600))
        try:
            segment._mend()
        except BaseException:
            segment.close()
            raise
        return segment

    @property
    def size(self) -> int:
        """Bytes of output in this segment."""
        return self.ends[0] + self.ends[1]

    @property
    def fresh(self) -> bool:
        """True while the index has no record."""
        return self._index_size == 0

    def take(self, stream: int, source: int) -> int:
        """Move what a pipe holds to the end of the stream's raw file; return its length, 0 at EOF.

        The kernel takes from the pipe exactly what it has written to the file, also when the
        process is killed meanwhile. Raises BlockingIOError on an empty pipe, OSError on a full
        disk.
        """
        raw = self._raw_file(stream)
        end = self.ends[stream]
        moved = os.splice(source, raw, MOST_AT_ONCE, offset_dst=end, flags=os.SPLICE_F_NONBLOCK)
        if moved:
            end += moved
            self.ends[stream] = end
            self.open_lines[stream] = os.pread(raw, 1, end - 1) != b"\n"
        return moved

    def append(self, now_ns: int, kind: Kind, amount: int = 0) -> None:
        """Write a record of the present state; time never goes back. Raises OSError."""
        self.time_ns = max(self.time_ns, now_ns)
        ends = (self.ends[0], self.ends[1])
        lines = (self.open_lines[0], self.open_lines[1])
        data = encode(self.time_ns, ends, kind, lines, amount)
        if os.pwrite(self._index, data, self._index_size) == RECORD_SIZE:
            self._index_size += RECORD_SIZE

    def close(self) -> None:
        """Close all descriptors."""
        for descriptor in (self._index, *self._raw):
            if descriptor >= 0:
                os.close(descriptor)
        self._index, self._raw = -1, [-1, -1]

    def _raw_file(self, stream: int) -> int:
        if self._raw[stream] < 0:
            path = raw_path(self.directory, self.number, STREAMS[stream])
            self._raw[stream] = os.open(path, _FLAGS, 0o600)
        return self._raw[stream]

    def _mend(self) -> None:
        found = [self._stat(stream) for stream in (0, 1)]
        last = self._cut_overreach((found[0][0], found[1][0]))
        self.ends = [size for size, _ in found]
        self.open_lines = list(last.open_lines)
        self.time_ns = last.time_ns
        if last.ends == (self.ends[0], self.ends[1]):
            return
        written = 0
        for stream, (size, modified) in enumerate(found):
            if size > last.ends[stream]:
                written = max(written, modified)
                self.open_lines[stream] = os.pread(self._raw_file(stream), 1, size - 1) != b"\n"
        self.append(written, Kind.OUTPUT)

    def _stat(self, stream: int) -> tuple[int, int]:
        """Return size and time of the last write of a raw file; zeros where there is none."""
        try:
            status = os.stat(raw_path(self.directory, self.number, STREAMS[stream]))
        except FileNotFoundError:
            return 0, 0
        return status.st_size, status.st_mtime_ns

    def _cut_overreach(self, sizes: tuple[int, int]) -> Record:
        """Find the last record that the raw files bear out, cut off the rest, and return it."""
        size = os.fstat(self._index).st_size
        whole = size - size % RECORD_SIZE
        last = BLANK
        while whole:
            records = decode(os.pread(self._index, RECORD_SIZE, whole - RECORD_SIZE))
            if records and all(map(int.__le__, records[0].ends, sizes)):
                last = records[0]
                break
            whole -= RECORD_SIZE
        if whole != size:
            os.ftruncate(self._index, whole)
        self._index_size = whole
        return last
