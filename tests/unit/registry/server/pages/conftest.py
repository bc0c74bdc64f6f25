"""Visitors of the pages of a registry: one that is open to all, and one that has accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixtures.page_visits import Visitor, visiting, with_accounts
from wherry.registry.server.settings import Access


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    """Visit a registry that asks nobody who they are."""
    async with visiting(tmp_path, Access()) as found:
        yield found


@pytest.fixture
async def stranger(tmp_path: Path) -> AsyncIterator[Visitor]:
    """Visit a registry with accounts, without having logged in."""
    async with visiting(tmp_path, with_accounts(tmp_path)) as found:
        yield found
