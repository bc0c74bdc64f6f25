"""An engine that only speaks frames."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.frame_engine import FakeEngine


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    """Provide an engine that does what a test says."""
    made = FakeEngine(tmp_path_factory.mktemp("engine") / "s")
    yield made
    made.close()
