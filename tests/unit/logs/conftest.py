"""Recorders on a directory of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.recorder import Recorder
from wherry.logs.writer import LogOptions


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path)
    yield made
    made.close()


@pytest.fixture
def rotating(tmp_path: Path) -> Iterator[Recorder]:
    """A recorder with segments of 20 bytes, two of which are kept."""
    made = Recorder(tmp_path, LogOptions(max_size=20, max_file=2))
    yield made
    made.close()
