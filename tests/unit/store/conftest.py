"""A store on a root of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store that is closed afterwards."""
    opened = Store.open(str(tmp_path / "root"), sync=False)
    yield opened
    opened.close()
