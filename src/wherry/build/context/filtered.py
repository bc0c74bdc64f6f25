"""A tree without some of its nodes: what .dockerignore, `--exclude` and `--parents` come to.

A directory that is hidden is there all the same as long as something below it is: so exceptions
inside of an ignored directory can be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from wherry.build.context.tree import Extent, Kind, Node, Tree


class FilteredTree:
    """See the module and `Tree`.

    `hides` says of a path that it is left out. `reaches` says of a hidden directory that something
    below it could be shown; without it every hidden directory is searched.
    """

    def __init__(
        self,
        tree: Tree,
        hides: Callable[[bytes], bool],
        reaches: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._tree = tree
        self._hides = hides
        self._reaches = reaches
        self._extents: Callable[[Node], Sequence[Extent] | None] | None = getattr(
            tree, "extents", None
        )
        # Hidden directories that have been searched; several threads may find the same out.
        self._searched: dict[bytes, bool] = {}

    def get(self, path: bytes) -> Node | None:
        """Return the node at a path, unless it is hidden."""
        node = self._tree.get(path)
        return node if node is not None and self._shows(node) else None

    def children(self, node: Node) -> Iterator[Node]:
        """Yield what is in a directory and not hidden."""
        for child in self._tree.children(node):
            if not self._hides(child.path) or self._shows_below(child):
                yield child

    def open(self, node: Node) -> BinaryIO:
        """Open a file's content."""
        return self._tree.open(node)

    def digest(self, node: Node) -> bytes:
        """Return a file's digest."""
        return self._tree.digest(node)

    def extents(self, node: Node) -> Sequence[Extent] | None:
        """Return where a file's content is, if the tree below knows."""
        return self._extents(node) if self._extents is not None else None

    def _shows(self, node: Node) -> bool:
        return not node.path or not self._hides(node.path) or self._shows_below(node)

    def _shows_below(self, node: Node) -> bool:
        """Tell whether anything below a hidden directory is shown."""
        if node.kind is not Kind.DIRECTORY:
            return False
        found = self._searched.get(node.path)
        if found is None:
            found = self._searched[node.path] = self._search(node)
        return found

    def _search(self, node: Node) -> bool:
        # Not by recursion: archives are as deep as they please.
        pending = [node]
        while pending:
            directory = pending.pop()
            if self._reaches is not None and not self._reaches(directory.path):
                continue
            for child in self._tree.children(directory):
                if not self._hides(child.path):
                    return True
                if child.kind is Kind.DIRECTORY:
                    pending.append(child)
        return False
