"""Following a container's output as it is written: in raw chunks for attach, by lines for logs.

A follower owns a place in the log and no memory beyond one piece: a client that reads slowly lags
behind in the files, and disturbs neither the container nor anybody else. Nothing here waits;
`watch` tells when to look again.
"""

from __future__ import annotations

from typing import Final, Self

from wherry.base.values import dataclass
from wherry.logs.cursor import START, Cursor, Piece, end_of
from wherry.logs.reader import Line, LineReader, Query
from wherry.logs.record import STREAMS, Kind

DEFAULT_SIZE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as the container wrote them; `stream` is "stdout" or "stderr"."""

    stream: str
    data: bytes


class Follower:
    """Raw output from the present end of the log on, up to the end of the run; or from its start.

    From the start on, it goes through all runs, and ends behind the last.
    """

    def __init__(self, directory: str, *, at_end: bool = True) -> None:
        self._one_run = at_end
        self._cursor = Cursor(directory, end_of(directory) if at_end else START)
        self._pending: list[Piece] = []
        self._run_ended = False
        self._finishing = False
        self._drained = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """True once all output up to the run's end has been returned by `read`."""
        if self._pending:
            return False
        if self._run_ended and (self._one_run or self._drained):
            return True
        return self._finishing and self._drained

    def finish(self) -> None:
        """Take what is there now for the whole: nobody writes any more.

        For a run whose end could not be written because the disk was full.
        """
        self._finishing = True
        self._drained = False

    def read(self, max_bytes: int = DEFAULT_SIZE) -> list[Chunk]:
        """Return what is new, at most `max_bytes`; an empty list where there is nothing yet."""
        chunks: list[Chunk] = []
        room = max_bytes
        while room > 0 and (self._pending or self._advance()):
            if self._pending:
                chunk = self._cut(room)
                room -= len(chunk.data)
                if chunk.data:
                    chunks.append(chunk)
        return chunks

    def close(self) -> None:
        """Close all descriptors."""
        self._cursor.close()

    def _advance(self) -> bool:
        if self._run_ended and self._one_run:
            return False
        step = self._cursor.step()
        self._drained = step is None
        if step is None:
            return False
        self._run_ended = step.record.kind is Kind.RUN_END
        self._pending = step.pieces
        return True

    def _cut(self, size: int) -> Chunk:
        piece = self._pending[0]
        middle = min(piece.end, piece.start + size)
        data = self._cursor.data(Piece(piece.stream, piece.start, middle, continues=False))
        if middle == piece.end:
            self._pending.pop(0)
        else:
            piece.start = middle
        return Chunk(STREAMS[piece.stream], data)


class LineFollower:
    """The lines that a query asks for: first those that are there, then each as it is completed.

    A query that does not follow ends with what is there now.
    """

    def __init__(self, directory: str, query: Query) -> None:
        stop = None if query.follow else end_of(directory)
        self._reader = LineReader(directory, query, stop)
        self._finishing = not query.follow
        self._drained = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """True once the run has ended, or no later line can match, and all has been returned."""
        over = self._reader.run_ended or self._reader.complete or self._finishing
        return self._drained and over

    def finish(self) -> None:
        """Take what is there now for the whole: nobody writes any more."""
        self._finishing = True
        self._drained = False

    def read(self) -> list[Line]:
        """Return some of what is new; an empty list where there is nothing yet."""
        while (found := self._reader.read()) is not None:
            if found:
                self._drained = False
                return found
        self._drained = True
        return self._reader.flush() if self._finishing else []

    def close(self) -> None:
        """Close all descriptors."""
        self._reader.close()
