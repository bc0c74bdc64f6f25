"""Trees in memory."""

from __future__ import annotations

from fixtures.archives import shown
from wherry.build.context.memory import MemoryTree


def test_files() -> None:
    tree = MemoryTree({b"b": b"two", b"a": b"one"}, mode=0o600, mtime_ns=7)
    assert list(shown(tree).items()) == [("a", "one"), ("b", "two")]
    node = tree.get(b"b")
    assert node is not None
    assert (node.mode, node.size, node.mtime_ns, node.uid) == (0o600, 3, 7, 0)
    assert tree.get(b"c") is None
    assert tree.get(b"a/x") is None
