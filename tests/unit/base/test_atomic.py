"""Files that are old or new, never half."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from wherry.base.atomic import write_file


def test_replaces_with_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_file(str(path), b"one", 0o600)
    write_file(str(path), b"two", 0o640, sync=False)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_failure_leaves_the_old_one_alone(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(str(tmp_path / "f"), b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]
