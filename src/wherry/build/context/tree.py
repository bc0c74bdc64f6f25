"""What a step copies from, whatever it is: a sent archive, a directory, the layers of an image.

A tree is looked at by name, one component at a time, and never by a path of the host: a name in it
cannot lead out of it. Symbolic links are nodes like others; who follows them (`resolve`) does it
inside the tree, with the tree's root as `/`. Blocking; one tree may be used by several threads.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from wherry.base.values import dataclass, field

NO_XATTRS: Mapping[bytes, bytes] = {}


class Kind(enum.StrEnum):
    """What a node is."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    CHARACTER = "character"
    BLOCK = "block"
    FIFO = "fifo"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class Node:
    """One entry. `path` is relative to the root, without a slash at either end; b"" is the root.

    `mode` has the permission bits with setuid, setgid and sticky. `size` is in bytes. `hard` is
    equal and not None for nodes that are one file under several names.
    """

    path: bytes
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    mtime_ns: int = 0
    target: bytes = b""  # of a link
    major: int = 0
    minor: int = 0
    xattrs: Mapping[bytes, bytes] = field(default_factory=lambda: NO_XATTRS)
    hard: object = None

    @property
    def name(self) -> bytes:
        """The last component."""
        return self.path.rpartition(b"/")[2]


class Tree(Protocol):
    """See the module."""

    def get(self, path: bytes) -> Node | None:
        """Return the node at a path without following any link; None where there is none.

        A path below something that is no directory has no node.
        """

    def children(self, node: Node) -> Iterator[Node]:
        """Yield what is in a directory, in the order of the names' bytes."""

    def open(self, node: Node) -> BinaryIO:
        """Open a file's content for reading. Raises WherryError that names the file."""

    def digest(self, node: Node) -> bytes:
        """Return the SHA-256 of a file's content; computed once."""


class HasDescriptor(Protocol):
    """An open file. It stays open for as long as anybody refers to it."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Extent(NamedTuple):
    """Where some bytes of a file are: `size` of them at `offset` of `source`, `at` in the file."""

    source: HasDescriptor
    offset: int
    at: int
    size: int


class Extents(Protocol):
    """What a tree has besides if its files lie in another file: the kernel can copy them."""

    def extents(self, node: Node) -> Sequence[Extent] | None:
        """Return where a file's content is, the holes left out; None when `open` has to tell."""
