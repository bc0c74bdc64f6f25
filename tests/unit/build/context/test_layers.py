"""Layers as one tree; whiteouts, which need root, are tried in the system tests."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from fixtures.archives import shown
from fixtures.deep import make_deep, removable_folder
from wherry.base.errors import WherryError
from wherry.build.context.digests import walk
from wherry.build.context.hostfiles import UnreadableFileError
from wherry.build.context.layers import LayersTree
from wherry.build.context.select import resolve
from wherry.store.layers.view import LayerView


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    """The topmost first."""
    low, high = tmp_path / "low", tmp_path / "high"
    for path, text in {
        low / "d" / "a": "low a", low / "d" / "b": "low b", low / "d" / "s" / "x": "x",
        low / "file" / "was": "a directory", low / "dir": "was a file",
        high / "d" / "a": "high a", high / "d" / "s" / "y": "y", high / "file": "now a file",
        high / "dir" / "z": "z",
    }.items():  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (low / "l").symlink_to("/d/s")
    os.link(low / "d" / "b", low / "d" / "s" / "hard")
    (high / "d").chmod(0o711)
    return [high, low]


def tree_of(layers: list[Path]) -> LayersTree:
    return LayersTree(LayerView([str(layer) for layer in layers]))


def test_layers_merge(layers: list[Path]) -> None:
    assert shown(tree_of(layers)) == {
        "d": "/", "d/a": "high a", "d/b": "low b", "d/s": "/", "d/s/hard": "low b", "d/s/x": "x",
        "d/s/y": "y", "dir": "/", "dir/z": "z", "file": "now a file", "l": "-> /d/s",
    }  # fmt: skip


def test_nodes_are_the_same_however_they_are_found(layers: list[Path]) -> None:
    tree = tree_of(layers)
    root = tree.get(b"")
    assert root is not None
    for node in walk(tree, root):
        again = tree_of(layers).get(node.path)
        assert again == node
    found = tree.get(b"d")
    assert found is not None
    assert found.mode == 0o711


def test_content(layers: list[Path]) -> None:
    tree = tree_of(layers)
    node, hard = tree.get(b"d/b"), tree.get(b"d/s/hard")
    assert node is not None
    assert hard is not None
    assert node.hard == hard.hard is not None
    assert tree.digest(node) == hashlib.sha256(b"low b").digest()
    with tree.open(node) as content:
        assert content.read() == b"low b"


@pytest.mark.parametrize(
    "path", [b"absent", b"d/absent", b"file/was", b"l/x", b"d/a/x", b"dir/was"]
)
def test_what_is_not_there(layers: list[Path], path: bytes) -> None:
    assert tree_of(layers).get(path) is None


def test_links_are_followed_in_the_layers(layers: list[Path]) -> None:
    tree = tree_of(layers)
    found = resolve(tree, b"/l/y")
    assert found is not None
    assert found.path == b"d/s/y"


def test_scratch() -> None:
    assert shown(LayersTree(LayerView([]))) == {}


def test_a_file_that_has_gone(layers: list[Path]) -> None:
    tree = tree_of(layers)
    node = tree.get(b"d/a")
    assert node is not None
    (layers[0] / "d" / "a").unlink()
    with pytest.raises(UnreadableFileError, match="cannot read d/a: No such file"):
        tree.open(node)


def test_deeper_than_a_path_can_say() -> None:
    with removable_folder() as top:
        make_deep(top)
        tree = LayersTree(LayerView([str(top)]))
        assert tree.get(b"d/" * 1500 + b"file") is not None
        root = tree.get(b"")
        assert root is not None
        with pytest.raises(WherryError, match="File name too long"):
            for _ in walk(tree, root):
                pass
