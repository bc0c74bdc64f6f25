"""Everything is resolved in the root, whatever links a hostile tree has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux import openat2


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    return tmp_path / "root"


@pytest.fixture
def root(tree: Path) -> Iterator[int]:
    opened = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    yield opened
    os.close(opened)


def place(descriptor: int) -> str:
    """Return where a descriptor leads, and close it."""
    found = os.readlink(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
    return found


def test_directories_are_made(tree: Path, root: int) -> None:
    assert place(openat2.make_directories(root, "/a/b/c")) == f"{tree}/a/b/c"
    assert place(openat2.make_directories(root, "a/b/c/d")) == f"{tree}/a/b/c/d"
    assert place(openat2.make_directories(root, "/")) == str(tree)


@pytest.mark.parametrize("target", ["/", "../..", "/..", "/../outside/..", "../../.."])
def test_links_that_climb_stay_in_the_root(tree: Path, root: int, target: str) -> None:
    (tree / "outside").mkdir()
    (tree / "link").symlink_to(target)
    assert place(openat2.make_directories(root, "link/made")) == f"{tree}/made"
    assert not (tree.parent / "made").exists()


def test_a_link_to_nothing_is_made_where_it_points(tree: Path, root: int) -> None:
    (tree / "run").symlink_to("/var/run")
    assert place(openat2.make_directories(root, "/run/lock")) == f"{tree}/var/run/lock"
    (tree / "etc").mkdir()
    (tree / "etc/resolv.conf").symlink_to("../run/systemd/resolv.conf")
    made = openat2.make_file(root, "/etc/resolv.conf")
    assert place(made) == f"{tree}/var/run/systemd/resolv.conf"


def test_circles_of_links_end(tree: Path, root: int) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    for make in (openat2.make_directories, openat2.make_file):
        with pytest.raises(OSError, match="levels"):
            make(root, "a/x")


def test_a_file_on_the_way_is_an_error(tree: Path, root: int) -> None:
    (tree / "file").touch()
    with pytest.raises(NotADirectoryError):
        openat2.make_directories(root, "file/x")


def test_magic_links_are_not_followed(root: int) -> None:
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    try:
        with pytest.raises(OSError, match=r"openat2"):
            openat2.open_in_root(proc, "self/root", os.O_PATH | os.O_DIRECTORY)
    finally:
        os.close(proc)
