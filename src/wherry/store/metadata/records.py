"""Records: what the engine keeps of containers, networks and volumes, by id and unique name."""

from __future__ import annotations

import sqlite3

from wherry.base.errors import ConflictError
from wherry.store.metadata.database import Database


class NameTakenError(ConflictError):
    """Another record of this kind has the name; `holder` is its id."""

    def __init__(self, kind: str, name: str, holder: str) -> None:
        super().__init__(f"the name {name!r} is already used by {kind} {holder}")
        self.name = name
        self.holder = holder


class IdTakenError(ConflictError):
    """There is a record with this id already."""


class Records:
    """The records of one kind. An empty name is no name and never taken."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    def insert(self, record_id: str, name: str, body: bytes, *, durable: bool = True) -> None:
        """Add a record; raises NameTakenError or IdTakenError and changes nothing."""
        with self._database.transaction(durable=durable) as writer:
            self._refuse_taken(writer, name, record_id)
            try:
                writer.execute(
                    "INSERT INTO records VALUES (?, ?, ?, ?)", (self._kind, record_id, name, body)
                )
            except sqlite3.IntegrityError as error:
                raise IdTakenError(f"there is a record {record_id} already") from error

    def put(self, record_id: str, name: str, body: bytes, *, durable: bool = True) -> None:
        """Add or replace a record; raises NameTakenError when another one has the name."""
        with self._database.transaction(durable=durable) as writer:
            self._refuse_taken(writer, name, record_id)
            writer.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)",
                (self._kind, record_id, name, body),
            )

    def rename(self, record_id: str, name: str, *, durable: bool = True) -> None:
        """Change the name only; raises NameTakenError when another record has it."""
        with self._database.transaction(durable=durable) as writer:
            self._refuse_taken(writer, name, record_id)
            writer.execute(
                "UPDATE records SET name = ? WHERE kind = ? AND id = ?",
                (name, self._kind, record_id),
            )

    def delete(self, record_id: str, *, durable: bool = True) -> bool:
        """Remove a record; returns whether there was one."""
        with self._database.transaction(durable=durable) as writer:
            done = writer.execute(
                "DELETE FROM records WHERE kind = ? AND id = ?", (self._kind, record_id)
            )
            return done.rowcount > 0

    def flush(self) -> None:
        """Bring to the disk what was written with `durable` False; raises OSError."""
        self._database.flush()

    def get(self, record_id: str) -> bytes | None:
        """Return a record's body."""
        row = self._database.row(
            "SELECT body FROM records WHERE kind = ? AND id = ?", (self._kind, record_id)
        )
        return row[0] if row else None

    def by_name(self, name: str) -> tuple[str, bytes] | None:
        """Return id and body of the record with this name."""
        row = self._database.row(
            "SELECT id, body FROM records WHERE kind = ? AND name = ? AND name <> ''",
            (self._kind, name),
        )
        return (row[0], row[1]) if row else None

    def all(self) -> list[tuple[str, str, bytes]]:
        """Return id, name and body of every record, by id."""
        rows = self._database.rows(
            "SELECT id, name, body FROM records WHERE kind = ? ORDER BY id", (self._kind,)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def _refuse_taken(self, writer: sqlite3.Connection, name: str, record_id: str) -> None:
        if not name:
            return
        holder = writer.execute(
            "SELECT id FROM records WHERE kind = ? AND name = ? AND name <> '' AND id <> ?",
            (self._kind, name, record_id),
        ).fetchone()
        if holder:
            raise NameTakenError(self._kind, name, holder[0])
