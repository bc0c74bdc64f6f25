"""The tables, the same on both databases.

    repositories   a name, while it holds a manifest
    ├── manifests  body, and what lists show of it; `subject` "" for none
    │   └── needs  the blobs ('blob') and manifests ('child') that a manifest names
    ├── tags       name to manifest
    └── links      the blobs that the repository has; `touched`: when anyone last asked for them;
                   `needed` 1 while `needs` of that repository has the blob, else 0
    blobs          digest to object; has at least one link
    uploads        under way
    └── segments   their objects, in order
    garbage        objects that nothing has claimed: deleted when due, `doomed` 1 once it has begun
    events         for webhooks
    cursors        how far each webhook is
    robots, meta (secrets, the version of this schema), claims (who does what only one may do)

`needed` repeats what `needs` says, so that collection finds idle blobs in an index of nothing else:
most blobs of a registry are old and needed, and must not be looked at each time. Bodies are the
last column, since SQLite reads a row from its beginning.

Whoever changes a table here raises VERSION and adds to MIGRATIONS the statements that bring an
older catalog to it; they run in one transaction at the start of the first new process, while
processes of the version before may still be at work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.base.errors import UnsupportedError
from wherry.base.values import dataclass
from wherry.registry.server.catalog.database import Database, Transaction

VERSION = 1
MIGRATIONS: Mapping[int, Sequence[str]] = {}
_KEY = "schema version"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What types are called; texts are compared by their bytes."""

    text: str
    data: str
    counted: str


SQLITE = Dialect("TEXT", "BLOB", "INTEGER PRIMARY KEY AUTOINCREMENT")
POSTGRES = Dialect('TEXT COLLATE "C"', "BYTEA", "BIGSERIAL PRIMARY KEY")

_META = "meta (key TEXT PRIMARY KEY, value DATA NOT NULL)"
_TABLES = """
repositories (name TEXT PRIMARY KEY, updated DOUBLE PRECISION NOT NULL)
manifests (repository TEXT, digest TEXT, media_type TEXT NOT NULL, size BIGINT NOT NULL, \
subject TEXT NOT NULL, pushed DOUBLE PRECISION NOT NULL, platforms DATA NOT NULL, \
descriptor DATA NOT NULL, body DATA NOT NULL, PRIMARY KEY (repository, digest))
needs (repository TEXT, manifest TEXT, kind TEXT, digest TEXT, \
PRIMARY KEY (repository, manifest, kind, digest))
tags (repository TEXT, name TEXT, digest TEXT NOT NULL, pushed DOUBLE PRECISION NOT NULL, \
PRIMARY KEY (repository, name))
blobs (digest TEXT PRIMARY KEY, size BIGINT NOT NULL, object TEXT NOT NULL)
links (repository TEXT, digest TEXT, touched DOUBLE PRECISION NOT NULL, needed BIGINT NOT NULL, \
PRIMARY KEY (repository, digest))
uploads (id TEXT PRIMARY KEY, repository TEXT NOT NULL, touched DOUBLE PRECISION NOT NULL)
segments (upload TEXT, position BIGINT, object TEXT NOT NULL, size BIGINT NOT NULL, \
PRIMARY KEY (upload, position))
garbage (object TEXT PRIMARY KEY, due DOUBLE PRECISION NOT NULL, doomed BIGINT NOT NULL, \
size BIGINT NOT NULL)
events (id COUNTED, action TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, \
digest TEXT NOT NULL, media_type TEXT NOT NULL, actor TEXT NOT NULL, time DOUBLE PRECISION NOT NULL)
cursors (name TEXT PRIMARY KEY, event BIGINT NOT NULL)
robots (name TEXT PRIMARY KEY, body DATA NOT NULL)
claims (task TEXT PRIMARY KEY, owner TEXT NOT NULL, until DOUBLE PRECISION NOT NULL)
"""
_INDEXES = """
manifests_by_subject ON manifests (repository, subject)
needs_by_digest ON needs (repository, kind, digest)
tags_by_digest ON tags (repository, digest)
links_by_digest ON links (digest)
links_idle ON links (touched) WHERE needed = 0
blobs_by_object ON blobs (object)
segments_by_object ON segments (object)
uploads_by_time ON uploads (touched)
garbage_by_time ON garbage (due)
events_by_time ON events (time)
"""


class NewerCatalogError(UnsupportedError):
    """The catalog was made by a later version of wherry."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"the catalog has version {version} and this program knows {VERSION}: "
            "start the version of wherry that made it, or a later one"
        )


async def prepare(database: Database, dialect: Dialect) -> None:
    """Make the tables, or bring them to this version; several processes may do so at once.

    Raises NewerCatalogError, DatabaseUnavailableError.
    """

    async def work(tx: Transaction) -> None:
        await tx.lock("schema", "")
        await tx.run(_in_words_of(dialect, f"CREATE TABLE IF NOT EXISTS {_META}"))
        rows = await tx.rows("SELECT value FROM meta WHERE key = $1", _KEY)
        version = int(bytes(rows[0][0])) if rows else None
        if version == VERSION:
            return
        for statement in _steps(version):
            await tx.run(_in_words_of(dialect, statement))
        await tx.run(
            "INSERT INTO meta VALUES ($1, $2)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            _KEY,
            str(VERSION).encode(),
        )

    await database.transact(work)


def _steps(version: int | None) -> list[str]:
    """Return what leads from a version, or from nothing, to this one."""
    if version is None:
        made = [f"CREATE TABLE {table}" for table in _TABLES.strip().splitlines()]
        return made + [f"CREATE INDEX {index}" for index in _INDEXES.strip().splitlines()]
    if version > VERSION:
        raise NewerCatalogError(version)
    return [step for number in range(version + 1, VERSION + 1) for step in MIGRATIONS[number]]


def _in_words_of(dialect: Dialect, statement: str) -> str:
    words = {" TEXT": dialect.text, " DATA": dialect.data, " COUNTED": dialect.counted}
    for word, meaning in words.items():
        statement = statement.replace(word, f" {meaning}")
    return statement
