"""Transactions on the database.

One connection writes, under one lock; another reads, under a lock of its own, so that a reader
never waits for a writer's fsync. A durable transaction has reached the disk when it returns; any
other survives our death at once, and the machine's after `flush` or the next durable one: they
reach the disk in their order. A transaction that raises leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from wherry.base.errors import DataLossError
from wherry.store.errors import full_disk_named
from wherry.store.metadata import schema
from wherry.store.metadata.walflush import WalFlush

Row = tuple[Any, ...]

_BUSY_SECONDS = 5.0


def _keep_private(path: str) -> None:
    """Leave the database to its owner: what containers are started with is full of secrets.

    SQLite gives its other files the mode of the first. One that is there is not opened: to close
    it again would end the locks that this process has on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.chmod(path + suffix, 0o600)


class Database:
    """The open database; may be used by any thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._writing = threading.RLock()
        self._reading = threading.Lock()
        _keep_private(path)
        self._writer = self._connect()
        self._durable: bool | None = None
        self.flush = WalFlush(path)
        try:
            self._prepare()
            self._reader = self._connect()
        except BaseException:
            self._writer.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _prepare(self) -> None:
        self._writer.execute("PRAGMA journal_mode=WAL")
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > schema.VERSION:
            raise DataLossError(
                f"{self._path} was written by a newer wherry (schema {version}, "
                f"this one knows {schema.VERSION})"
            )
        if version < schema.VERSION:
            self._migrate(version)

    def _migrate(self, version: int) -> None:
        """Bring the schema up to date, all at once or not at all; 0 is a database without any."""
        steps = [
            schema.MIGRATIONS[edition]
            for edition in range(version or schema.VERSION, schema.VERSION)
        ]
        script = ["BEGIN IMMEDIATE;", *steps, schema.TABLES]
        script += [f"PRAGMA user_version={schema.VERSION};", "COMMIT;"]
        with full_disk_named(self._path), _disk_errors():
            self._writer.executescript("\n".join(script))

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Hold the writer: everything executed on it inside the block happens, or nothing.

        Inside another transaction of the same thread it is a part of that one.
        """
        with self._writing, full_disk_named(self._path), _disk_errors():
            if self._inside():
                yield self._writer
                return
            self._set_durable(durable)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._inside():
                    self._writer.execute("ROLLBACK")
                raise

    def _inside(self) -> bool:
        """Tell whether this thread, which holds the lock, is in a transaction."""
        return self._writer.in_transaction

    def _set_durable(self, durable: bool) -> None:
        if durable is not self._durable:
            self._writer.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return every row that committed transactions left."""
        with self._reading:
            return self._reader.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        with self._reading:
            found: Row | None = self._reader.execute(query, values).fetchone()
            return found

    def close(self) -> None:
        """Write the log back into the database and let go of it."""
        with self._writing, self._reading:
            self.flush.close()
            self._reader.close()
            self._writer.close()


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise
