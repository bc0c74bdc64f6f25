"""A backend on real parts: SQLite and files, with a clock that tests set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixtures.hosted_parts import Parts, hosted_parts


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with hosted_parts(tmp_path) as made:
        yield made
