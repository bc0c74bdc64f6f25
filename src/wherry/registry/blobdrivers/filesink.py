"""One new file while it is written: in large pieces, and on its way to the disk all the time.

A second thread syncs what is there whenever another 16 MiB have come (`_Syncing`), so that the
final fsync finds little to do; otherwise a third of the time of a large object goes into waiting
for the disk after its last byte. Asking for write-back without waiting (sync_file_range) does not
help: it holds up the writer instead.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

PIECE = 1 << 20
_MOST_PIECES = 512  # of one writev; the kernel takes 1024
_SYNC_EVERY = 16 << 20
_NO_COPY = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


def gathered(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the pieces in lists that are worth a system call."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE or len(waiting) == _MOST_PIECES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


class Sink:
    """Writes to a descriptor that it does not own; a context, so that its thread ends."""

    def __init__(self, descriptor: int, *, sync: bool) -> None:
        self.size = 0
        self._descriptor = descriptor
        self._sync = sync
        self._syncing: _Syncing | None = None
        self._asked = 0

    def write(self, pieces: list[bytes]) -> None:
        """Write all of the pieces; raises OSError."""
        size = sum(map(len, pieces))
        written = os.writev(self._descriptor, pieces)
        if written < size:
            self._write_rest(memoryview(b"".join(pieces))[written:])
        self._grown(size)

    def _write_rest(self, rest: memoryview) -> None:
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def copy(self, source: int) -> None:
        """Write all that follows in another file; raises OSError.

        The kernel copies, or lets both files share the blocks where the file system can do that.
        """
        try:
            while count := os.copy_file_range(source, self._descriptor, _SYNC_EVERY):
                self._grown(count)
        except OSError as error:
            if error.errno not in _NO_COPY:
                raise
            while piece := os.read(source, PIECE):
                self.write([piece])

    def _grown(self, count: int) -> None:
        self.size += count
        if self._sync and self.size - self._asked >= _SYNC_EVERY:
            self._asked = self.size
            if self._syncing is None:
                self._syncing = _Syncing(self._descriptor)
            self._syncing.ask()

    def finish(self) -> None:
        """Have every byte on the disk; raises OSError."""
        self._stop()
        if self._sync:
            os.fsync(self._descriptor)

    def _stop(self) -> None:
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._syncing is not None:
            self._syncing.abandon()


class _Syncing:
    """The thread. A kernel reports a failed write-back once per open file: it must not be lost."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked = threading.Event()
        self._ended = False
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Sync what has been written, soon."""
        self._asked.set()

    def abandon(self) -> None:
        """Wait until the thread has left the descriptor alone for good."""
        self._ended = True
        self._asked.set()
        self._thread.join()

    def stop(self) -> None:
        """Do the same, and raise what failed in it."""
        self.abandon()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._ended:
                return
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._failure = error
                return
