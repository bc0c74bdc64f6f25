"""Brings SQLite's write-ahead log to the disk, and its pages from there into the database.

Both wait for the disk, so both are done in threads and never on the event loop. One sync serves all
transactions that were committed before it began. SQLite itself syncs the log before it moves pages
out of it, and the database before it begins the log anew: so a power cut loses at most the last
transactions, those that nobody was told of, and nothing is ever half there.

Once a sync has failed, no other can be trusted: the kernel may have dropped what it could not
write, and what comes after a hole in the log is not read again. So every durable transaction fails
from then on, until the program is started anew. A checkpoint that fails is tried again later; until
then the log grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from typing import TypeGuard

from wherry.base.crossing import in_thread

_COMMITS = 200  # between two checkpoints
_log = logging.getLogger(__name__)


class WalSync:
    """Syncs for every task that waits; `path` is of the database, whose log is there."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self._failure: OSError | None = None
        self._syncing: asyncio.Future[None] | None = None
        self._checkpointing: asyncio.Future[None] | None = None
        self._commits = 0

    async def committed(self, *, durable: bool) -> None:
        """Take note of a transaction; return when it is on the disk, or at once.

        Raises OSError; the transaction may survive a power cut then, or not.
        """
        self._commits += 1
        if self._commits >= _COMMITS and not _running(self._checkpointing):
            self._commits = 0
            self._checkpointing = asyncio.ensure_future(in_thread(self._checkpoint))
        if durable:
            await self._synced()

    async def _synced(self) -> None:
        if _running(self._syncing):
            # It may have begun before our commit: whatever comes of it, it is not ours. Whoever
            # of those that waited comes first begins the next one, which is for all of them.
            await asyncio.wait([self._syncing])
        if not _running(self._syncing):
            self._syncing = asyncio.ensure_future(in_thread(self._sync))
        await asyncio.shield(self._syncing)

    def _sync(self) -> None:
        if self._failure is not None:
            raise OSError(self._failure.errno, f"{self._failure.strerror}: start the program anew")
        if self._descriptor < 0:
            self._descriptor = os.open(self._path + "-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._failure = error
            raise

    def _checkpoint(self) -> None:
        try:
            with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as own:
                own.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            _log.warning(
                "%s: the log was not written back, and will be later: %s", self._path, error
            )

    async def close(self) -> None:
        """Wait for what runs, and let go of the log."""
        running = [one for one in (self._syncing, self._checkpointing) if _running(one)]
        if running:
            await asyncio.wait(running)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _running(future: asyncio.Future[None] | None) -> TypeGuard[asyncio.Future[None]]:
    return future is not None and not future.done()
