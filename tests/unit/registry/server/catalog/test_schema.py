from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wherry.registry.server.catalog import schema
from wherry.registry.server.catalog.database import Transaction
from wherry.registry.server.catalog.sqlite import SqliteDatabase


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    made = SqliteDatabase(str(tmp_path / "catalog.db"))
    yield made
    await made.close()


async def test_tables_are_made_once(database: SqliteDatabase) -> None:
    for _ in range(2):
        await schema.prepare(database, schema.SQLITE)
    (row,) = await database.rows("SELECT value FROM meta")
    assert row[0] == str(schema.VERSION).encode()
    assert not await database.rows("SELECT 1 FROM manifests")


async def test_a_later_version_is_refused(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await schema.prepare(database, schema.SQLITE)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION - 1)
    with pytest.raises(schema.NewerCatalogError, match="start the version of wherry"):
        await schema.prepare(database, schema.SQLITE)


async def test_an_older_version_is_brought_up_step_by_step(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await schema.prepare(database, schema.SQLITE)
    steps = {
        schema.VERSION + 1: ["CREATE TABLE one (a TEXT)"],
        schema.VERSION + 2: ["ALTER TABLE one RENAME TO two", "INSERT INTO two VALUES ('moved')"],
    }
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 2)
    await asyncio.gather(*(schema.prepare(database, schema.SQLITE) for _ in range(3)))
    assert await database.rows("SELECT a FROM two") == [("moved",)]


async def test_a_migration_that_fails_changes_nothing(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await schema.prepare(database, schema.SQLITE)
    steps = ["CREATE TABLE one (a TEXT)", "INSERT INTO nowhere VALUES (1)"]
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", {schema.VERSION + 1: steps})
        patched.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(Exception, match="nowhere"):
            await schema.prepare(database, schema.SQLITE)
    await schema.prepare(database, schema.SQLITE)

    async def work(tx: Transaction) -> None:
        await tx.run("CREATE TABLE one (a TEXT)")

    await database.transact(work)


def test_texts_are_compared_by_bytes_on_postgresql() -> None:
    made = schema._in_words_of(
        schema.POSTGRES, "CREATE TABLE t (a TEXT NOT NULL, b DATA, c COUNTED)"
    )
    assert made == (
        'CREATE TABLE t (a TEXT COLLATE "C" NOT NULL, b BYTEA, c BIGSERIAL PRIMARY KEY)'
    )
