from __future__ import annotations

import asyncio
import errno
import logging
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.registry.server.catalog import walsync
from wherry.registry.server.catalog.database import DatabaseUnavailableError, Transaction
from wherry.registry.server.catalog.sqlite import SqliteDatabase
from wherry.registry.server.catalog.walsync import WalSync


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """A database with a log, as another process has it open."""
    made = tmp_path / "catalog.db"
    connection = sqlite3.connect(made, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (a)")
    yield str(made)
    connection.close()


class Gate:
    """Stands in for fdatasync: each call waits until it is let through."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Semaphore(0)
        self.through = threading.Semaphore(0)

    def __call__(self, _descriptor: int) -> None:
        self.calls += 1
        self.begun.release()
        self.through.acquire()


async def test_one_sync_serves_all_that_came_before_it(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(walsync.os, "fdatasync", gate)
    sync = WalSync(path)
    first = asyncio.ensure_future(sync.committed(durable=True))
    await asyncio.to_thread(gate.begun.acquire)
    later = [asyncio.ensure_future(sync.committed(durable=True)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.through.release()
    await first
    # What came while it ran is not served by it.
    await asyncio.to_thread(gate.begun.acquire)
    assert not any(one.done() for one in later)
    gate.through.release()
    await asyncio.gather(*later)
    assert gate.calls == 2
    await sync.close()


async def test_whoever_is_cancelled_does_not_stop_the_others(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(walsync.os, "fdatasync", gate)
    sync = WalSync(path)
    first = asyncio.ensure_future(sync.committed(durable=True))
    await asyncio.to_thread(gate.begun.acquire)
    second = asyncio.ensure_future(sync.committed(durable=True))
    await asyncio.sleep(0)
    first.cancel()
    gate.through.release()
    gate.through.release()
    await second
    assert first.cancelled()
    await sync.close()


async def test_after_a_failed_sync_none_is_believed(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteDatabase(path)

    async def work(tx: Transaction) -> None:
        await tx.run("INSERT INTO t VALUES (1)")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(walsync.os, "fdatasync", fail)
        with pytest.raises(DatabaseUnavailableError, match="Input/output error"):
            await database.transact(work)
    with pytest.raises(DatabaseUnavailableError, match="start the program anew"):
        await database.transact(work)
    await database.transact(work, durable=False)
    await database.close()
    again = SqliteDatabase(path)
    await again.transact(work)
    await again.close()


async def test_the_log_is_written_back_now_and_then(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walsync, "_COMMITS", 3)
    with sqlite3.connect(path) as writer:
        writer.execute("INSERT INTO t VALUES (7)")
    sync = WalSync(path)
    for _ in range(2):
        await sync.committed(durable=False)
    assert in_file_alone(path, tmp_path) == []
    await sync.committed(durable=False)
    await sync.close()
    assert in_file_alone(path, tmp_path) == [(7,)]
    writer.close()


def in_file_alone(path: str, folder: Path) -> list[tuple[int]]:
    """Return what the database has without its log."""
    copy = folder / "copy.db"
    shutil.copy(path, copy)
    connection = sqlite3.connect(copy)
    try:
        return connection.execute("SELECT a FROM t").fetchall()
    except sqlite3.OperationalError:
        return []  # not even the table
    finally:
        connection.close()


async def test_a_log_that_cannot_be_written_back_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(walsync, "_COMMITS", 1)
    (tmp_path / "catalog.db").write_bytes(b"no database" * 100)
    sync = WalSync(str(tmp_path / "catalog.db"))
    with caplog.at_level(logging.WARNING):
        await sync.committed(durable=False)
        await sync.close()
    assert "was not written back, and will be later" in caplog.text
