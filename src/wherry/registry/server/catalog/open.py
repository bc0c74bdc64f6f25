"""Opening a catalog: SQLite below a path, PostgreSQL behind a URL."""

from __future__ import annotations

import os

from wherry.registry.server.catalog import schema
from wherry.registry.server.catalog.database import Database
from wherry.registry.server.catalog.sql import SqlCatalog
from wherry.registry.server.catalog.sqlite import SqliteDatabase

_SCHEMES = ("postgresql://", "postgres://")


async def open_catalog(where: str) -> SqlCatalog:
    """Open the catalog at a path or a URL of PostgreSQL, which is made if it is not there.

    Raises DatabaseUnavailableError, NewerCatalogError, MissingLibraryError.
    """
    database: Database
    if where.startswith(_SCHEMES):
        from wherry.registry.server.catalog.postgres import open_postgres  # noqa: PLC0415

        database, dialect = await open_postgres(where), schema.POSTGRES
    else:
        os.makedirs(os.path.dirname(where) or ".", mode=0o700, exist_ok=True)
        database, dialect = SqliteDatabase(where), schema.SQLITE
    try:
        await schema.prepare(database, dialect)
    except BaseException:
        await database.close()
        raise
    return SqlCatalog(database)
