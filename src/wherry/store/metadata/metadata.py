"""The database as the engine sees it: records, settings, leases."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.store.metadata.database import Database
from wherry.store.metadata.records import Records


class Settings:
    """Short texts that the engine remembers, such as its own id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """Return a value, or None."""
        row = self._database.row("SELECT value FROM settings WHERE key = ?", (key,))
        return row[0] if row else None

    def set(self, key: str, value: str) -> None:
        """Remember a value, durably."""
        with self._database.transaction() as writer:
            writer.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))


class Leases:
    """Names under which blobs and layers are held, by digest and by diff ID alike.

    Take the lease before looking whether something is there: collection decides and deletes while
    it holds the writer, so what a lease names from then on stays.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, resources: Iterable[str]) -> None:
        """Hold these too under `name`; a lease may grow."""
        with self._database.transaction(durable=False) as writer:
            writer.executemany(
                "INSERT OR IGNORE INTO leases VALUES (?, ?)",
                [(name, resource) for resource in resources],
            )

    def release(self, name: str) -> None:
        """Hold nothing any more under `name`."""
        with self._database.transaction(durable=False) as writer:
            writer.execute("DELETE FROM leases WHERE name = ?", (name,))

    def held(self, purpose: str) -> set[str]:
        """Return what leases hold whose names begin with `purpose` and a hyphen."""
        rows = self._database.rows(
            "SELECT resource FROM leases WHERE name > ? AND name < ?",
            (f"{purpose}-", f"{purpose}."),
        )
        return {row[0] for row in rows}

    def release_all(self) -> None:
        """Drop what earlier processes held: whoever held it is gone."""
        with self._database.transaction(durable=False) as writer:
            writer.execute("DELETE FROM leases")


class Metadata:
    """The open database."""

    def __init__(self, path: str) -> None:
        self.database = Database(path)
        self.settings = Settings(self.database)
        self.leases = Leases(self.database)
        self._records: dict[str, Records] = {}

    def records(self, kind: str) -> Records:
        """Return the records of a kind: "containers", "networks", "volumes"."""
        return self._records.setdefault(kind, Records(self.database, kind))

    def close(self) -> None:
        """Close the database."""
        self.database.close()
