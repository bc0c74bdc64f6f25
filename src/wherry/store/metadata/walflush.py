"""Brings transactions to the disk that were committed without waiting for it.

SQLite appends every transaction to its log and, unless told otherwise, leaves the log in the page
cache. One sync of the log serves all that was committed before it began; so who has many things to
finish waits once, and who comes while others wait shares with them.

Once a sync has failed, no later one can be trusted: the kernel may have dropped what it could not
write. Every flush fails from then on, until the program is started anew.
"""

from __future__ import annotations

import os
import threading


class WalFlush:
    """Syncs the log of the database at `path`; may be used by any thread."""

    def __init__(self, path: str) -> None:
        self._path = f"{path}-wal"
        self._descriptor = -1
        self._syncing = threading.Lock()
        self._counting = threading.Lock()
        self._asked = 0
        self._served = 0
        self._failure: OSError | None = None

    def __call__(self) -> None:
        """Return when all that has been committed is on the disk. Raises OSError."""
        with self._counting:
            self._asked += 1
            ticket = self._asked
        with self._syncing:
            if self._served >= ticket:
                return  # the sync that ended while we waited began after we had asked
            with self._counting:
                serves = self._asked
            self._sync()
            self._served = serves

    def _sync(self) -> None:
        if self._failure is not None:
            raise OSError(self._failure.errno, f"{self._failure.strerror}: start the engine anew")
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._failure = error
            raise

    def close(self) -> None:
        """Let go of the log."""
        with self._syncing:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
