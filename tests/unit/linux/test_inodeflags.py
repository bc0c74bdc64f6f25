"""Flags of directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.linux.inodeflags import spread_children


def test_any_file_system_will_do(tmp_path: Path) -> None:
    for _ in range(2):
        spread_children(str(tmp_path))
    (tmp_path / "child").mkdir()
    # /proc has no flags: nothing happens.
    spread_children("/proc/self")


def test_what_is_no_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        spread_children(str(tmp_path / "file"))
