"""A registry of real parts for each test that wants one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixtures.registry_server import Served, running_registry


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Served]:
    """A registry that everybody may use."""
    async with running_registry(tmp_path) as served:
        yield served
