"""A tree as a tar: what `--output type=tar` and `type=local` send."""

from __future__ import annotations

import os
import tarfile
from typing import BinaryIO, Final, cast

from wherry.build.context.digests import walk
from wherry.build.context.tree import Kind, Node, Tree
from wherry.store.layers.compression import Writable

_TYPES: Final = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.LINK: tarfile.SYMTYPE,
    Kind.CHARACTER: tarfile.CHRTYPE,
    Kind.BLOCK: tarfile.BLKTYPE,
    Kind.FIFO: tarfile.FIFOTYPE,
}
_NANO: Final = 1_000_000_000


def write_files(tree: Tree, sink: Writable, clamp_ns: int | None) -> None:
    """Write everything below the root, in order; times later than `clamp_ns` become that."""
    root = tree.get(b"")
    assert root is not None, "a tree has a root"
    hard: dict[object, str] = {}
    with tarfile.open(
        fileobj=cast(BinaryIO, sink), mode="w|", format=tarfile.PAX_FORMAT,
        encoding="utf-8", errors="surrogateescape",
    ) as archive:  # fmt: skip
        for node in walk(tree, root):
            if node.kind is Kind.SOCKET:
                continue
            entry = _entry(node, clamp_ns)
            if node.hard is not None and node.kind is Kind.FILE:
                first = hard.setdefault(node.hard, entry.name)
                if first != entry.name:
                    entry.type, entry.linkname, entry.size = tarfile.LNKTYPE, first, 0
            if entry.isreg():
                with tree.open(node) as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)


def _entry(node: Node, clamp_ns: int | None) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(os.fsdecode(node.path))
    entry.type = _TYPES[node.kind]
    entry.mode, entry.uid, entry.gid = node.mode, node.uid, node.gid
    entry.size = node.size if node.kind is Kind.FILE else 0
    entry.linkname = os.fsdecode(node.target)
    entry.devmajor, entry.devminor = node.major, node.minor
    time_ns = node.mtime_ns if clamp_ns is None else min(node.mtime_ns, clamp_ns)
    entry.mtime = time_ns // _NANO
    entry.pax_headers = {
        f"SCHILY.xattr.{os.fsdecode(name)}": value.decode("utf-8", "surrogateescape")
        for name, value in node.xattrs.items()
    }
    return entry
