"""Going through trees: order, depth, and trees that change meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.deep import LEVELS, make_deep, removable_folder
from wherry.store.layers.walk import ChangedError, open_file, walk


def test_everything_in_the_order_of_its_bytes(tmp_path: Path) -> None:
    for name in (b"b", b"a", b"a/y", b"a/x", b"\xff", "\U0001f600".encode(), b"a.b"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    found = [(one.path, one.leaving) for one in walk(str(tmp_path))]
    assert found == [
        (b"a", False), (b"a/x", False), (b"a/x", True), (b"a/y", False), (b"a/y", True),
        (b"a", True), (b"a.b", False), (b"a.b", True), (b"b", False), (b"b", True),
        ("\U0001f600".encode(), False), ("\U0001f600".encode(), True),
        (b"\xff", False), (b"\xff", True),
    ]  # fmt: skip


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to("/etc")
    walking = walk(str(tmp_path / "in"))
    found = next(walking)
    assert found.path == b"link"
    with pytest.raises(ChangedError):
        open_file(found)


def test_a_tree_deeper_than_any_path() -> None:
    with removable_folder() as folder:
        make_deep(folder)
        before = len(os.listdir("/proc/self/fd"))
        most = 0
        count = 0
        for found in walk(str(folder)):
            count += not found.leaving
            if count % 500 == 0:
                most = max(most, len(os.listdir("/proc/self/fd")) - before)
        assert count == 2 * LEVELS
        assert most <= 2
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_that_is_moved_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    """Or the walk would climb out of the tree, one `..` for each level that it went down."""
    (tmp_path / "tree" / "a" / "b").mkdir(parents=True)
    (tmp_path / "tree" / "a" / "b" / "c").touch()
    walking = walk(str(tmp_path / "tree"))
    assert [next(walking).name for _ in range(3)] == [b"a", b"b", b"c"]
    (tmp_path / "tree" / "a" / "b").rename(tmp_path / "tree" / "moved")
    with pytest.raises(ChangedError, match="changed while it was being read"):
        next(walking)


def test_what_goes_meanwhile_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    walking = walk(str(tmp_path))
    next(walking)
    (tmp_path / "b").unlink()
    with pytest.raises(ChangedError, match=r"^b changed"):
        next(walking)


def test_a_pipe_in_the_place_of_a_file_does_not_stop_the_walk(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    walking = walk(str(tmp_path))
    found = next(walking)
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    os.close(open_file(found))
