"""A tree of a few files that are in memory: heredocs of COPY and ADD."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from wherry.build.context.tree import Kind, Node


class MemoryTree:
    """See `Tree`. `files` are by name; there are no directories but the root."""

    def __init__(
        self, files: Mapping[bytes, bytes], *, mode: int = 0o644, mtime_ns: int = 0
    ) -> None:
        self._files = dict(files)
        self._mode = mode
        self._mtime_ns = mtime_ns

    def get(self, path: bytes) -> Node | None:
        """Return the node at a path."""
        if not path:
            return Node(b"", Kind.DIRECTORY, 0o755, 0, 0)
        if path not in self._files:
            return None
        size = len(self._files[path])
        return Node(path, Kind.FILE, self._mode, 0, 0, size, self._mtime_ns)

    def children(self, node: Node) -> Iterator[Node]:
        """Yield all files of the root."""
        for name in sorted(self._files) if not node.path else ():
            child = self.get(name)
            assert child is not None, "it was there"
            yield child

    def open(self, node: Node) -> BinaryIO:
        """Open a file's content."""
        return io.BytesIO(self._files[node.path])

    def digest(self, node: Node) -> bytes:
        """Return a file's digest."""
        return hashlib.sha256(self._files[node.path]).digest()
