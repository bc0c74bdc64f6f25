"""A directory of the host as a tree: a git clone, an unpacked context.

Everything is opened beneath the directory, by descriptor, and no link is ever followed by the
kernel: whoever has written the directory, nothing outside of it is read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from wherry.base.errors import InternalError
from wherry.build.context.hostfiles import (
    READ_FLAGS,
    Held,
    digest_of,
    node_at,
    opened,
    unreadable_named,
)
from wherry.build.context.tree import Node
from wherry.linux import openat2
from wherry.store.layers.unpack import NO_DIRECTORY

_BENEATH: Final = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY


class DirectoryTree:
    """See the module and `Tree`. Used after `close`, it raises InternalError."""

    def __init__(self, path: str) -> None:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        self._root: Held | None = Held(os.open(path, flags))
        self._digests: dict[bytes, bytes] = {}

    def close(self) -> None:
        """Let go of the directory; what is open stays open."""
        self._root = None

    def get(self, path: bytes) -> Node | None:
        """Return the node at a path."""
        folder, _, name = path.rpartition(b"/")
        try:
            with self._opened(folder, os.O_PATH | os.O_DIRECTORY) as descriptor:
                told = os.stat(name or b".", dir_fd=descriptor, follow_symlinks=False)
                return node_at(path, _place(descriptor, name), told)
        except OSError as error:
            if error.errno in NO_DIRECTORY:
                return None
            with unreadable_named(path):
                raise

    def children(self, node: Node) -> Iterator[Node]:
        """Yield what is in a directory."""
        prefix = node.path + b"/" if node.path else b""
        found = []
        with unreadable_named(node.path), self._opened(node.path, _FOLDER) as descriptor:
            for name in sorted(map(os.fsencode, os.listdir(descriptor))):
                told = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                found.append(node_at(prefix + name, _place(descriptor, name), told))
        return iter(found)

    def open(self, node: Node) -> BinaryIO:
        """Open a file's content."""
        with unreadable_named(node.path):
            return opened(openat2.open_how(self._fileno(), node.path, READ_FLAGS, 0, _BENEATH))

    def digest(self, node: Node) -> bytes:
        """Return a file's digest."""
        if node.path not in self._digests:
            with self.open(node) as file, unreadable_named(node.path):
                self._digests[node.path] = digest_of(file)
        return self._digests[node.path]

    @contextlib.contextmanager
    def _opened(self, path: bytes, flags: int) -> Iterator[int]:
        descriptor = openat2.open_how(self._fileno(), path or b".", flags, 0, _BENEATH)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _fileno(self) -> int:
        if self._root is None:
            raise InternalError("the build's context is read from after its end")
        return self._root.fileno()


def _place(folder: int, name: bytes) -> bytes:
    """Return a path, good while the descriptor is open, for calls that take no name beside one."""
    return b"/proc/self/fd/%d/%s" % (folder, name)
