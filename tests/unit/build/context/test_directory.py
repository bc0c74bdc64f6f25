"""Directories of the host as trees."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from fixtures.archives import shown
from wherry.base.errors import InternalError
from wherry.build.context.directory import DirectoryTree
from wherry.build.context.hostfiles import UnreadableFileError
from wherry.build.context.tree import Kind


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s")
    top = tmp_path / "top"
    (top / "d" / "e").mkdir(parents=True)
    (top / "d" / "f").write_text("content")
    (top / "l").symlink_to("d")
    (top / "out").symlink_to("../secret")
    (top / "up").symlink_to("..")
    os.link(top / "d" / "f", top / "h")
    return top


def test_a_directory(top: Path) -> None:
    tree = DirectoryTree(str(top))
    assert shown(tree) == {
        "d": "/", "d/e": "/", "d/f": "content", "h": "content", "l": "-> d", "out": "-> ../secret",
        "up": "-> ..",
    }  # fmt: skip
    first, second = tree.get(b"d/f"), tree.get(b"h")
    assert first is not None
    assert second is not None
    assert first.hard == second.hard is not None
    assert first.size == 7
    assert first.mtime_ns == (top / "h").stat().st_mtime_ns
    assert tree.digest(first) == hashlib.sha256(b"content").digest()


def test_names_are_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    for name in ("b", "a", "\udcff", "ä", "B"):
        (tmp_path / name).touch()
    assert list(shown(DirectoryTree(str(tmp_path)))) == ["B", "a", "b", "ä", "\udcff"]


@pytest.mark.parametrize(
    "path", [b"absent", b"d/absent", b"l/f", b"d/f/x", b"up/secret", b"../top"]
)
def test_what_is_not_in_it(top: Path, path: bytes) -> None:
    assert DirectoryTree(str(top)).get(path) is None


def test_a_link_is_not_followed_when_a_file_is_read(top: Path) -> None:
    tree = DirectoryTree(str(top))
    node = tree.get(b"d/f")
    assert node is not None
    (top / "d" / "f").unlink()
    (top / "d" / "f").symlink_to("../../secret")
    with pytest.raises(UnreadableFileError, match=r"cannot read d/f: .*Too many levels"):
        tree.open(node)
    (top / "d" / "f").unlink()
    os.mkfifo(top / "d" / "f")
    with pytest.raises(
        UnreadableFileError, match="cannot read d/f: it is no regular file any more"
    ):
        tree.open(node)


def test_a_directory_that_has_gone(top: Path) -> None:
    tree = DirectoryTree(str(top))
    node = tree.get(b"d/e")
    assert node is not None
    (top / "d" / "e").rmdir()
    with pytest.raises(UnreadableFileError, match="cannot read d/e: "):
        list(tree.children(node))


def test_kinds(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p", 0o600)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
    tree = DirectoryTree(str(tmp_path))
    found = [tree.get(b"p"), tree.get(b"s"), tree.get(b"")]
    assert [node.kind for node in found if node] == [Kind.FIFO, Kind.SOCKET, Kind.DIRECTORY]


def test_closed(top: Path) -> None:
    tree = DirectoryTree(str(top))
    tree.close()
    with pytest.raises(InternalError):
        tree.get(b"d")
