"""Databases for the suites of the catalog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fixtures.catalogs import Shelf
from fixtures.postgres import Postgres, running_postgres
from wherry.registry.server.catalog.open import open_catalog
from wherry.registry.server.catalog.sql import SqlCatalog


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One server for all; each test has a database of its own."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def prepared(postgres: Postgres) -> str:
    """A database with empty tables, to be copied, since that is fast."""
    url = postgres.new_database()

    async def prepare() -> None:
        await (await open_catalog(url)).close()

    asyncio.run(prepare())
    return url


@pytest.fixture
def postgres_url(postgres: Postgres, prepared: str) -> Iterator[str]:
    """A database of the test's own, with empty tables."""
    url = postgres.new_database(like=prepared)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def empty_url(postgres: Postgres) -> Iterator[str]:
    """A database of the test's own, without tables."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind: a path, or a URL."""
    if request.param == "sqlite":
        return str(tmp_path / "catalog.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def shelf(where: str) -> AsyncIterator[Shelf]:
    """Opens catalogs over it, and closes them."""
    made = Shelf(where)
    yield made
    await made.close()


@pytest.fixture
async def catalog(shelf: Shelf) -> SqlCatalog:
    """A catalog over it."""
    return await shelf.open()


@pytest.fixture
async def other(shelf: Shelf, catalog: SqlCatalog) -> SqlCatalog:
    """Another over the same database, as another process has it."""
    return await shelf.open()
