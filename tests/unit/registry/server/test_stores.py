"""Where the database is, and that both are opened and closed."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from wherry.registry.blobdrivers.driver import StorageUnavailableError
from wherry.registry.server.settings import FileStorage, ObjectStorage, Settings
from wherry.registry.server.stores import database_of, open_stores


def test_where_the_database_is() -> None:
    assert database_of(Settings(storage=FileStorage("/data"))) == "/data/catalog.db"
    url = "postgresql://x/y"
    assert database_of(Settings(storage=FileStorage("/data"), database=url)) == url
    assert database_of(Settings(storage=ObjectStorage("b"), database=url)) == url


async def test_both_are_opened_and_closed(tmp_path: Path) -> None:
    settings = Settings(storage=FileStorage(str(tmp_path / "new")))
    async with AsyncExitStack() as stack:
        stores = await open_stores(settings, stack)
        await stores.catalog.check()
        stores.driver.check()
    async with AsyncExitStack() as stack:
        assert await (await open_stores(settings, stack)).catalog.robots() == []


async def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with AsyncExitStack() as stack:
        with pytest.raises(StorageUnavailableError):
            await open_stores(Settings(storage=FileStorage(str(tmp_path / "file"))), stack)
