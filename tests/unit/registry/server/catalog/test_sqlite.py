from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from wherry.registry.server.catalog import sqlite, walsync
from wherry.registry.server.catalog.database import DatabaseUnavailableError, Transaction
from wherry.registry.server.catalog.sqlite import SqliteDatabase


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    made = SqliteDatabase(str(tmp_path / "catalog.db"))

    async def work(tx: Transaction) -> None:
        await tx.run("CREATE TABLE t (a TEXT PRIMARY KEY)")

    await made.transact(work)
    yield made
    await made.close()


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The descriptors that were synced."""
    made: list[int] = []
    monkeypatch.setattr(walsync.os, "fdatasync", made.append)
    return made


def adds(text: str) -> Callable[[Transaction], Awaitable[int]]:
    async def work(tx: Transaction) -> int:
        return await tx.run("INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING", text)

    return work


async def texts(database: SqliteDatabase) -> list[str]:
    return [row[0] for row in await database.rows("SELECT a FROM t ORDER BY a")]


async def test_a_transaction_is_seen_once_it_is_done(database: SqliteDatabase) -> None:
    async def work(tx: Transaction) -> None:
        await tx.run("INSERT INTO t VALUES ($1)", "a")
        assert await tx.rows("SELECT a FROM t WHERE a = $1", "a") == [("a",)]
        assert await texts(database) == []

    await database.transact(work)
    assert await texts(database) == ["a"]


async def test_a_transaction_that_fails_leaves_nothing(database: SqliteDatabase) -> None:
    async def work(tx: Transaction) -> None:
        await tx.run("INSERT INTO t VALUES ('a')")
        raise KeyError

    with pytest.raises(KeyError):
        await database.transact(work)
    assert await database.transact(adds("b")) == 1
    assert await texts(database) == ["b"]


async def test_a_transaction_that_is_cancelled_leaves_nothing(database: SqliteDatabase) -> None:
    begun = asyncio.Event()

    async def work(tx: Transaction) -> None:
        await tx.run("INSERT INTO t VALUES ('a')")
        begun.set()
        await asyncio.Event().wait()

    first = asyncio.ensure_future(database.transact(work))
    waiting = asyncio.ensure_future(database.transact(adds("b")))
    await begun.wait()
    waiting.cancel()
    first.cancel()
    await asyncio.wait([first, waiting])
    await database.transact(adds("c"))
    assert await texts(database) == ["c"]


async def test_only_what_changes_something_for_good_is_synced(
    database: SqliteDatabase, syncs: list[int]
) -> None:
    await database.transact(adds("a"), durable=False)
    assert syncs == []
    await database.transact(adds("a"))
    assert syncs == []  # it was there
    await database.transact(adds("b"))
    assert len(syncs) == 1


async def test_several_share_a_sync(database: SqliteDatabase, syncs: list[int]) -> None:
    await asyncio.gather(*(database.transact(adds(str(n))) for n in range(20)))
    assert len(syncs) <= 3
    assert len(await texts(database)) == 20


async def test_another_process_that_writes_is_waited_for(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    stranger = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(database.transact(adds("a")))
    for _ in range(5):  # the loop goes on meanwhile, and so do readers
        await asyncio.sleep(0.001)
        assert await texts(database) == []
    stranger.execute("COMMIT")
    stranger.close()
    await waiting
    assert await texts(database) == ["a"]


async def test_another_process_is_not_waited_for_for_ever(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.02)
    stranger = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError, match="another process has been writing"):
        await database.transact(adds("a"))
    stranger.close()
    await database.transact(adds("b"))


async def test_a_full_disk_is_told_and_got_over(database: SqliteDatabase) -> None:
    ((pages,),) = database._writer.execute("PRAGMA page_count").fetchall()
    database._writer.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(DatabaseUnavailableError, match=r"catalog\.db.*make room on its disk"):
        await database.transact(adds("x" * 100_000))
    assert await texts(database) == []
    database._writer.execute("PRAGMA max_page_count=100000")
    await database.transact(adds("a"))
    assert await texts(database) == ["a"]


async def test_a_text_that_cannot_be_kept_is_not_there(database: SqliteDatabase) -> None:
    assert await database.rows("SELECT a FROM t WHERE a = $1", "\udcff") == []


async def test_a_value_may_be_named_twice_and_in_any_order(database: SqliteDatabase) -> None:
    assert await database.rows("SELECT $2, $1, $2", "a", "b") == [("b", "a", "b")]


async def test_a_fault_of_our_own_is_not_the_disks(database: SqliteDatabase) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.rows("SELECT 1 FROM nowhere")


async def test_a_damaged_file_is_told_with_the_way_out(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    await database.transact(adds("x" * 100_000))
    await database.close()
    with (tmp_path / "catalog.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 100_000)
    damaged = SqliteDatabase(str(tmp_path / "catalog.db"))
    with pytest.raises(DatabaseUnavailableError, match="from a backup"):
        await damaged.rows("SELECT a FROM t")
    await damaged.close()
