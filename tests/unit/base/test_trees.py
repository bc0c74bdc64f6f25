"""Removing directories, whoever filled them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.deep import make_deep, removable_folder
from wherry.base.trees import files_below, remove_tree


@pytest.fixture
def folder() -> Iterator[Path]:
    with removable_folder() as made:
        yield made


def test_a_very_deep_tree_goes(folder: Path) -> None:
    top = folder / "top"
    (top / "beside").mkdir(parents=True)
    make_deep(top)
    (top / "beside" / "file").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    remove_tree(str(top))
    assert not top.exists()
    assert len(os.listdir("/proc/self/fd")) == before


def test_links_are_removed_and_not_followed(folder: Path) -> None:
    kept, top = folder / "kept", folder / "top"
    kept.mkdir()
    (kept / "file").write_text("x")
    top.mkdir()
    make_deep(top)
    (top / "link").symlink_to(kept)
    (top / "d" / "link").symlink_to(kept)
    (top / "d" / "file2").hardlink_to(kept / "file")
    remove_tree(str(top))
    assert (kept / "file").read_text() == "x"


def test_what_is_not_there_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        remove_tree(str(folder / "nothing"))


def test_what_goes_away_meanwhile_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"file{number}").write_text("x")
        (tmp_path / f"folder{number}").mkdir()
        (tmp_path / f"folder{number}" / "kept").write_text("kept")
    found = files_below(str(tmp_path))
    sizes = [next(found).st_size]
    for number in range(20):
        (tmp_path / f"file{number}").unlink()
    sizes += [status.st_size for status in found]
    assert sizes == [1] + [4] * 20
