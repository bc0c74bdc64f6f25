"""How far something long is: one line on a terminal, with one total and an estimate of the rest.

Nothing is written where nobody looks: to files and pipes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

_EVERY = 0.2
_EARLY = 2.0  # seconds before an estimate means anything


class Progress:
    """Shows `done` of `total`; `what` they are is for people, as in "blobs and objects"."""

    def __init__(
        self,
        total: int,
        what: str,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = max(total, 1)
        self._what = what
        self._stream = stream if stream.isatty() else None
        self._clock = clock
        self._began = clock()
        self._next = 0.0

    def show(self, done: int) -> None:
        """Show that so much is done, unless that was done a moment ago."""
        now = self._clock()
        if self._stream is not None and now >= self._next:
            self._next = now + _EVERY
            self._stream.write(f"\r\x1b[K{self.line(done)}")
            self._stream.flush()

    def line(self, done: int) -> str:
        """Return the line."""
        done = min(done, self._total)
        line = f"{100 * done // self._total:3d}%  {done:,} of {self._total:,} {self._what}"
        passed = self._clock() - self._began
        if passed < _EARLY or not done or done == self._total:
            return line
        return f"{line}, {_about((self._total - done) * passed / done)} left"

    def clear(self) -> None:
        """Take the line away."""
        if self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _about(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 120 else f"about {round(minutes / 60)} h"
