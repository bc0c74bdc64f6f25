"""Pieces that one thread has and another asks for; one at a time waits.

What fails in the giver ends the taker with an error, and when the taker has stopped, for whatever
reason, the giver stops as well. So neither waits for ever, and the giver's failure is the one that
is raised.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from wherry.base.errors import CancelledError


class Handover:
    """An iterator for the taker; `give_all` is the giver's side, `stop` says the taker is done."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: bytes | None = None
        self._ended = False
        self._broken = False
        self._stopped = False

    def give_all(self, pieces: Iterable[bytes]) -> int:
        """Give every piece and return how many bytes that was, fewer when the taker stopped."""
        size = 0
        try:
            for piece in pieces:
                if not self._give(piece):
                    break
                size += len(piece)
        except BaseException:
            self._end(broken=True)
            raise
        self._end(broken=False)
        return size

    def _give(self, piece: bytes) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is None or self._stopped)
            self._waiting = piece
            self._changed.notify()
            return not self._stopped

    def _end(self, *, broken: bool) -> None:
        with self._changed:
            self._ended = True
            self._broken = broken
            self._changed.notify()

    def stop(self) -> None:
        """Let the giver go on without: nobody takes any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._ended)
            if self._broken:
                raise CancelledError("the source of these bytes has failed")
            piece, self._waiting = self._waiting, None
            self._changed.notify()
        if piece is None:
            raise StopIteration
        return piece
