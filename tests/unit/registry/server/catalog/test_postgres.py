from __future__ import annotations

from pathlib import Path

import pytest

from wherry.registry.server.catalog import postgres
from wherry.registry.server.catalog.database import DatabaseUnavailableError
from wherry.registry.server.catalog.open import open_catalog
from wherry.registry.server.catalog.postgres import MissingLibraryError, shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:geheim@db.example:5433/wherry", "postgresql://db.example:5433/wherry"),
        ("postgres://u@db/wherry?password=geheim", "postgres://db/wherry"),
        ("postgresql://u:geheim@one:1,two:2/wherry", "postgresql://one:1,two:2/wherry"),
        ("postgresql://u:geh@eim@db/wherry", "postgresql://db/wherry"),
        ("postgresql:///wherry?host=/run&password=geheim", "postgresql://local socket/wherry"),
        ("postgresql://u:geheim/x@db/wherry", "postgresql://..."),
    ],
)
def test_what_is_shown_of_a_url_has_no_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


async def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    for url, word in (
        (f"postgresql://u:geheim@/wherry?host={tmp_path}", "does PostgreSQL run there"),
        ("postgresql://u:geheim/x@db/wherry", "as in all URLs"),
        ("postgresql://u:geheim@db:1/wherry?sslmode=x", "as in all URLs"),
    ):
        with pytest.raises(DatabaseUnavailableError, match=word) as caught:
            await open_catalog(url)
        assert "geheim" not in str(caught.value)


async def test_without_its_library_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "asyncpg", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'wherry\[cluster\]'"):
        await open_catalog("postgresql://db/wherry")
