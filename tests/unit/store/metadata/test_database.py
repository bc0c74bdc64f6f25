"""The database as a file: its owner's alone, also one that was not."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from pathlib import Path

from wherry.store.layout import Layout
from wherry.store.metadata.database import Database


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("wherry.db*")}


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(Database(str(tmp_path / "wherry.db"))):
            assert len(list(tmp_path.iterdir())) == 3
            assert modes(tmp_path) == {0o600}
    finally:
        os.umask(before)


def test_one_of_an_earlier_version_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "wherry.db"
    with closing(Database(str(path))):
        for one in tmp_path.iterdir():
            one.chmod(0o644)
        with closing(Database(str(path))):  # as after a crash: all three files are there
            assert modes(tmp_path) == {0o600}


def test_so_do_directories(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path))
    for name in ("content", "layers", "containers", "build"):
        (tmp_path / name).mkdir(0o755)
    layout.make()
    for name in ("content", "layers", "containers", "build", "trash"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(layout.empty_layer).stat().st_mode) == 0o755
