"""The layers of an image or a stage as one tree: `COPY --from`, and what a build sends out.

Layers never change, so each directory is looked for once. Paths on the host are kept: whoever makes
such a tree sees to it that its layers stay where they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from wherry.build.context.hostfiles import (
    READ_FLAGS,
    digest_of,
    node_at,
    opened,
    unreadable_named,
)
from wherry.build.context.tree import Kind, Node
from wherry.store.layers.view import LayerView, children, is_directory, visible


class LayersTree:
    """See the module and `Tree`. Several threads may find the same out, but nothing else."""

    def __init__(self, view: LayerView) -> None:
        self._merged = {b"": view.merged(b"")}
        self._places: dict[bytes, bytes] = {}
        self._digests: dict[bytes, bytes] = {}

    def get(self, path: bytes) -> Node | None:
        """Return the node at a path."""
        if not path:
            return self._root()
        with unreadable_named(path):
            place = self._place(path)
            return node_at(path, place, os.lstat(place)) if place is not None else None

    def children(self, node: Node) -> Iterator[Node]:
        """Yield what is in a directory."""
        prefix = node.path + b"/" if node.path else b""
        with unreadable_named(node.path):
            entries = visible(self._directories(node.path))
        for entry in sorted(entries, key=lambda one: one.name):
            path = prefix + entry.name
            self._places[path] = entry.path
            with unreadable_named(path):
                yield node_at(path, entry.path, entry.stat(follow_symlinks=False))

    def open(self, node: Node) -> BinaryIO:
        """Open a file's content."""
        with unreadable_named(node.path):
            place = self._places.get(node.path) or self._place(node.path) or b""
            # Only the last name can be anything but a directory of the layer.
            return opened(os.open(place, READ_FLAGS))

    def digest(self, node: Node) -> bytes:
        """Return a file's digest."""
        if node.path not in self._digests:
            with self.open(node) as file, unreadable_named(node.path):
                self._digests[node.path] = digest_of(file)
        return self._digests[node.path]

    def _root(self) -> Node:
        roots = self._merged[b""]
        if not roots:
            return Node(b"", Kind.DIRECTORY, 0o755, 0, 0)  # of `scratch`
        return node_at(b"", roots[0], os.lstat(roots[0]))

    def _place(self, path: bytes) -> bytes | None:
        """Return the topmost place on the host of what is at a path."""
        folder, _, name = path.rpartition(b"/")
        found = children(self._directories(folder), name)
        if not found:
            return None
        self._places[path] = found[0]
        return found[0]

    def _directories(self, path: bytes) -> list[bytes]:
        """Return the directories that merge at a path, none where there is no directory."""
        found = self._merged.get(path)
        if found is not None:
            return found
        at, found = b"", self._merged[b""]
        for name in path.split(b"/"):
            at = at + b"/" + name if at else name
            known = self._merged.get(at)
            if known is None:
                known = children(found, name)
                if known and not is_directory(known[0]):
                    known = []
                self._merged[at] = known
            found = known
        return found
