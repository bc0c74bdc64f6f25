"""Trees of which some nodes are hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.archives import file, folder, hard, shown, tree_of
from wherry.build.context.filtered import FilteredTree
from wherry.build.context.memory import MemoryTree
from wherry.build.context.tree import Node
from wherry.build.dockerfile.ignore import Matcher

ENTRIES = (
    file("a.txt", b"a"), file("b.md", b"b"), folder("empty"), file("d/keep", b"k"),
    file("d/x/y", b"y"), file("d/z", b"z"), hard("h", "a.txt"),
)  # fmt: skip
CASES = [
    ([], {"a.txt", "b.md", "empty", "d", "d/keep", "d/x", "d/x/y", "d/z", "h"}),
    (["*.md", "empty"], {"a.txt", "d", "d/keep", "d/x", "d/x/y", "d/z", "h"}),
    (["d"], {"a.txt", "b.md", "empty", "h"}),
    (["d", "!d/keep"], {"a.txt", "b.md", "empty", "d", "d/keep", "h"}),
    (["*", "!d/x/y"], {"d", "d/x", "d/x/y"}),
    (["*", "!nothing"], set()),
    (["d/x/y"], {"a.txt", "b.md", "empty", "d", "d/keep", "d/x", "d/z", "h"}),
]


@pytest.mark.parametrize(("patterns", "left"), CASES)
@pytest.mark.parametrize("told", [True, False])
def test_hides(tmp_path: Path, patterns: list[str], left: set[str], told: bool) -> None:
    matcher = Matcher(patterns)
    whole = tree_of(tmp_path, *ENTRIES)
    tree = FilteredTree(whole, matcher.ignored, matcher.may_contain if told else None)
    assert set(shown(tree)) == left
    for path in shown(whole):
        assert (tree.get(path.encode()) is not None) == (path in left)


def test_the_root_is_never_hidden(tmp_path: Path) -> None:
    assert FilteredTree(tree_of(tmp_path), lambda _: True).get(b"") is not None


def test_hidden_directories_are_searched_once(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("d/" * 50 + "x"))
    asked: list[bytes] = []

    def hides(path: bytes) -> bool:
        asked.append(path)
        return True

    filtered = FilteredTree(tree, hides)
    assert filtered.get(b"d") is None
    assert filtered.get(b"d") is None
    assert len(asked) == 52


def test_extents_are_those_of_the_tree_below(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("a", b"A"))
    node = tree.get(b"a")
    assert isinstance(node, Node)
    assert FilteredTree(tree, lambda _: False).extents(node) == tree.extents(node)
    memory = FilteredTree(MemoryTree({b"a": b"A"}), lambda _: False)
    assert memory.extents(node) is None
    assert memory.digest(node) == tree.digest(node)
