"""Databases of earlier editions are brought up to date with all that is in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from wherry.base.errors import DataLossError
from wherry.store.metadata import schema
from wherry.store.metadata.database import Database

# What edition 1 made.
FIRST = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX record_names ON records (kind, name) WHERE name <> '';
CREATE TABLE layers (
    diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, pending TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE images (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE names (reference TEXT PRIMARY KEY, image_id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX names_of_image ON names (image_id);
CREATE TABLE leases (
    name TEXT NOT NULL, resource TEXT NOT NULL, PRIMARY KEY (name, resource)) WITHOUT ROWID;
INSERT INTO settings VALUES ('engine-id', 'e');
INSERT INTO records VALUES ('containers', 'c', 'name', x'01');
INSERT INTO layers VALUES ('sha256:1', 7, '{}');
INSERT INTO images VALUES ('sha256:2', 8, x'02');
INSERT INTO names VALUES ('r', 'sha256:2');
INSERT INTO leases VALUES ('l', 'sha256:1');
PRAGMA user_version=1;
"""


@pytest.fixture
def first(tmp_path: Path) -> str:
    """A database of edition 1."""
    path = str(tmp_path / "db")
    made = sqlite3.connect(path)
    made.executescript(FIRST)
    made.close()
    return path


def shape(path: str) -> list[tuple[str, ...]]:
    """Return tables with their columns, and indices."""
    opened = sqlite3.connect(path)
    found = [
        (kind, name, *(row[1] for row in opened.execute(f"PRAGMA table_info({name})")))
        for kind, name in opened.execute("SELECT type, name FROM sqlite_master ORDER BY name")
    ]
    opened.close()
    return found


def version(path: str) -> int:
    opened = sqlite3.connect(path)
    (found,) = opened.execute("PRAGMA user_version").fetchone()
    opened.close()
    return int(found)


def test_the_first_edition_keeps_everything(first: str, tmp_path: Path) -> None:
    database = Database(first)
    rows = {
        name: database.rows(f"SELECT * FROM {name}")
        for name in ("settings", "records", "layers", "images", "names", "leases", "build_cache")
    }
    database.close()
    assert rows == {
        "settings": [("engine-id", "e")],
        "records": [("containers", "c", "name", b"\x01")],
        # It has been forced to the disk when an image named it, or nobody has missed it.
        "layers": [("sha256:1", 7, "{}", "")],
        "images": [("sha256:2", 8, b"\x02")],
        "names": [("r", "sha256:2")],
        "leases": [("l", "sha256:1")],
        "build_cache": [],
    }
    assert version(first) == schema.VERSION
    Database(str(tmp_path / "new")).close()
    assert shape(first) == shape(str(tmp_path / "new"))


def test_opening_again_changes_nothing(first: str) -> None:
    Database(first).close()
    before = shape(first)
    Database(first).close()
    assert shape(first) == before


def test_a_failure_leaves_the_edition_that_was(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape(first)
    monkeypatch.setattr(schema, "TABLES", schema.TABLES + "CREATE TABLE wrong (;")
    with pytest.raises(sqlite3.OperationalError):
        Database(first)
    assert (version(first), shape(first)) == (1, before)


def test_a_later_edition_is_refused(first: str) -> None:
    opened = sqlite3.connect(first)
    opened.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    opened.close()
    with pytest.raises(DataLossError, match="written by a newer wherry"):
        Database(first)
