from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.registry.server.catalog import schema
from wherry.registry.server.catalog.database import DatabaseUnavailableError
from wherry.registry.server.catalog.open import open_catalog


async def test_folder_and_file_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "catalog.db"
    catalog = await open_catalog(str(path))
    await catalog.check()
    modes = [os.stat(one).st_mode & 0o777 for one in (path.parent, path, f"{path}-wal")]
    await catalog.close()
    assert modes == [0o700, 0o600, 0o600]


async def test_what_was_written_is_there_the_next_time(tmp_path: Path) -> None:
    for _ in range(2):
        catalog = await open_catalog(str(tmp_path / "catalog.db"))
        assert await catalog.secret("one", os.urandom(8)) == await catalog.secret("one", b"")
        await catalog.close()


async def test_what_cannot_be_opened_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(DatabaseUnavailableError, match=r"broken\.db.*from a backup"):
        await open_catalog(str(tmp_path / "broken.db"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(DatabaseUnavailableError, match="folder"):
        await open_catalog(str(tmp_path / "folder"))


async def test_a_catalog_that_is_refused_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "catalog.db"
    await (await open_catalog(str(path))).close()
    monkeypatch.setattr(schema, "VERSION", 0)
    with pytest.raises(schema.NewerCatalogError):
        await open_catalog(str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["catalog.db"]
