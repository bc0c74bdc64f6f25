"""Digests of what a selection copies: the same exactly when the copies would be the same.

Names are relative to the destination. Kinds, modes, targets of links, devices, extended attributes,
which names are one file, and contents count; times do not. Owners count only where they are kept.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections.abc import Iterator

from wherry.base.values import dataclass, field
from wherry.build.context.select import Pick, Selection
from wherry.build.context.tree import Kind, Node, Tree

_SHORT = 8


@dataclass(frozen=True, slots=True)
class Surveyed:
    """`checksum` is of everything, `files` has a short digest for each path, for comparing."""

    checksum: str
    files: dict[str, str]


def checksum(selection: Selection, *, owners: bool = False) -> str:
    """Return the digest of what would be copied, in hexadecimal."""
    return survey(selection, owners=owners, listed=False).checksum


def manifest(selection: Selection, *, owners: bool = False) -> dict[str, str]:
    """Return a short digest for each path; bytes that are no text are written as escapes."""
    return survey(selection, owners=owners).files


def survey(selection: Selection, *, owners: bool = False, listed: bool = True) -> Surveyed:
    """Return both at once; without `listed` there is no list of files."""
    lister = _Lister(owners, listed)
    for pick in selection:
        lister.add(pick)
    return Surveyed(hashlib.sha256(b"\n".join(lister.lines)).hexdigest(), lister.files)


@dataclass(slots=True)
class _Lister:
    owners: bool
    listed: bool
    lines: list[bytes] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def add(self, pick: Pick) -> None:
        node, groups = pick.node, dict[object, int]()
        if node.kind is not Kind.DIRECTORY:
            self._put(pick.tree, node, _quoted(pick.name), groups)
            return
        # Of the directory itself nothing is copied, but that there is one.
        self.lines.append(b"in")
        start = len(node.path) + 1 if node.path else 0
        for below in walk(pick.tree, node):
            if below.kind is not Kind.SOCKET:
                self._put(pick.tree, below, _quoted(below.path[start:]), groups)

    def _put(self, tree: Tree, node: Node, name: bytes, groups: dict[object, int]) -> None:
        kind = node.kind
        if kind is Kind.FILE:
            line = b"%b file %o %b" % (name, node.mode, hexlify(tree.digest(node)))
        elif kind is Kind.LINK:
            # The mode of a link means nothing, and is not the same everywhere.
            line = b"%b link %b" % (name, _quoted(node.target))
        else:
            numbers = node.major, node.minor
            line = b"%b %b %o %d:%d" % (name, kind.value.encode(), node.mode, *numbers)
        if node.xattrs:
            line += b"".join(
                b" %b=%b" % (_quoted(key), hexlify(node.xattrs[key])) for key in sorted(node.xattrs)
            )
        if self.owners:
            line += b" by %d:%d" % (node.uid, node.gid)
        if node.hard is not None:
            line += b" as %d" % groups.setdefault(node.hard, len(groups))
        self.lines.append(line)
        if self.listed:
            short = hashlib.blake2b(line, digest_size=_SHORT).hexdigest()
            self.files[node.path.decode("utf-8", "backslashreplace")] = short


def walk(tree: Tree, directory: Node) -> Iterator[Node]:
    """Yield everything below a directory, directories before what is in them."""
    # Not by recursion: archives are as deep as they please.
    pending = [tree.children(directory)]
    while pending:
        node = next(pending[-1], None)
        if node is None:
            pending.pop()
            continue
        yield node
        if node.kind is Kind.DIRECTORY:
            pending.append(tree.children(node))


def _quoted(text: bytes) -> bytes:
    """Return a name so that no two lists of names give the same line."""
    if b"\n" in text or b" " in text or b"\\" in text:
        text = text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b" ", b"\\s")
    return text
