"""SQLite: the catalog of one machine, shared by the registry's processes there.

Reading is done on the event loop: a lookup takes less time than handing it to a thread. Writing is
one transaction at a time in a process, on the loop as well; other processes' transactions are
waited for without holding the loop up. A commit writes to the log and does not sync it: `walsync`
does, in a thread, once for all that were committed until then, before any of them is told that it
is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from wherry.base.crossing import in_thread
from wherry.registry.server.catalog.database import (
    DatabaseUnavailableError,
    Result,
    Row,
    Transaction,
)
from wherry.registry.server.catalog.walsync import WalSync

_PATIENCE = 30.0
_READ_PATIENCE = 2.0
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02)
_CACHE_KIB = 64 << 10
_STATEMENTS = 512
_LOG_BYTES = 64 << 20  # what it keeps of the disk once it has been longer
_LOG_PAGES = 20_000  # as long as the log may become if `walsync` does not keep up
_MARK = re.compile(r"\$(\d+)")
_WAYS_OUT = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: "is its disk full or failing?",
    sqlite3.SQLITE_PROTOCOL: "too many processes use it at once",
    sqlite3.SQLITE_BUSY: f"another process has been writing for {_PATIENCE:.0f} seconds",
    sqlite3.SQLITE_READONLY: "may we write there?",
    sqlite3.SQLITE_CANTOPEN: "does its directory exist, and may we write there?",
    sqlite3.SQLITE_CORRUPT: "put it back from a backup",
    sqlite3.SQLITE_NOTADB: "put it back from a backup",
}


@lru_cache(maxsize=_STATEMENTS)
def _translated(sql: str) -> str:
    return _MARK.sub(r"?\1", sql)


class SqliteDatabase:
    """Implements `Database` over a file, which is made."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            _make(path)
            self._writer = _connect(path)
            self._reader = _connect(path)
        except (sqlite3.DatabaseError, OSError) as error:
            self._tell(error)
            raise
        # Only another process's death in the middle of a write makes readers wait, and not long.
        self._reader.execute(f"PRAGMA busy_timeout={int(_READ_PATIENCE * 1000)}")
        self._writing = asyncio.Lock()
        self._sync = WalSync(path)

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return all rows of a statement that only reads."""
        try:
            return self._reader.execute(_translated(sql), values).fetchall()
        except UnicodeEncodeError:
            return []
        except sqlite3.DatabaseError as error:
            self._tell(error)
            raise

    async def transact(
        self, work: Callable[[Transaction], Awaitable[Result]], *, durable: bool = True
    ) -> Result:
        """Run a transaction alone among those of all processes."""
        try:
            async with self._writing:
                before = self._writer.total_changes
                result = await self._run(work)
                changed = self._writer.total_changes != before
            if changed:
                await self._sync.committed(durable=durable)
        except (sqlite3.DatabaseError, OSError) as error:
            self._tell(error)
            raise
        return result

    async def _run(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        await self._begin()
        try:
            result = await work(_SqliteTransaction(self._writer))
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return result

    async def _begin(self) -> None:
        """Begin to write; another process that writes is waited for, but not for ever."""
        deadline = time.monotonic() + _PATIENCE
        pauses = iter(_PAUSES)
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(next(pauses, _PAUSES[-1]))
            else:
                return

    async def close(self) -> None:
        """Close every connection; the last process to do so also puts the log away."""
        async with self._writing:
            await self._sync.close()
            self._reader.close()
            await in_thread(self._writer.close)

    def _tell(self, error: sqlite3.DatabaseError | OSError) -> None:
        """Raise what a user can do something about; faults of our own go on as they are."""
        if isinstance(error, OSError):
            raise DatabaseUnavailableError(f"{self._path}: {error}") from error
        if way_out := _WAYS_OUT.get(_code(error)):
            raise DatabaseUnavailableError(f"{self._path}: {error}: {way_out}") from error


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _make(path: str) -> None:
    """Make the file, which will have secrets, unless it is there."""
    # Never open one that is there: to close it again would end the locks that SQLite has on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    try:
        _use_log(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute("PRAGMA busy_timeout=0")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_log(connection: sqlite3.Connection) -> None:
    """Write to a log; the change to it needs the file alone, and SQLite does not always wait."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSES[-1])  # nobody tells when the file is free, and nothing else runs yet
        else:
            return


class _SqliteTransaction:
    """The writer has the whole database, so locks are for PostgreSQL."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        return self._connection.execute(_translated(sql), values).fetchall()

    async def run(self, sql: str, *values: object) -> int:
        return self._connection.execute(_translated(sql), values).rowcount

    async def lock(self, kind: str, name: str) -> None:
        """Nobody else writes."""
