"""The names of an archive as the tree that unpacking it would make: pure.

As in a directory that is being filled, the last entry of a name counts, an entry below a link goes
where the link leads inside the tree, and a hard link is another name for what its target is at that
moment. What lies below a file, or leads out of the root, is refused. Directories that no entry
describes belong to root, with mode 0755.

It is filled by one thread; from then on it does not change, and any number may read it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Final

from wherry.base.values import dataclass
from wherry.build.context.tree import NO_XATTRS, Kind, Node
from wherry.store.errors import CorruptContentError, HostileArchiveError
from wherry.store.layers import tar
from wherry.store.layers.unpack import split_name

# As the kernel, which would not take a longer one either.
_LONGEST_PATH: Final = 4096
_LONGEST_NAME: Final = 255
_MOST_LINKS: Final = 40
_MOST_ID: Final = (1 << 32) - 2
_MOST_DEVICE: Final = (1 << 12) - 1, (1 << 20) - 1
_EARLIEST, _LATEST = -(1 << 62), (1 << 62)
_KINDS: Final = {
    tar.SYMLINK: Kind.LINK,
    tar.CHARACTER: Kind.CHARACTER,
    tar.BLOCK_DEVICE: Kind.BLOCK,
    tar.DIRECTORY: Kind.DIRECTORY,
    tar.FIFO: Kind.FIFO,
}


@dataclass(slots=True)
class Content:
    """Where the bytes of a file are. `holes` are (offset, length) of what is data, in its order.

    `digest` is empty until somebody has computed it.
    """

    offset: int
    size: int
    digest: bytes = b""
    holes: tuple[tuple[int, int], ...] | None = None


class Index:
    """Nodes by path, with the content of those that are files."""

    def __init__(self) -> None:
        self._nodes = {b"": _implicit(b"")}
        self._names: dict[bytes, dict[bytes, None]] = {b"": {}}
        self._contents: dict[bytes, Content] = {}
        self._groups = 0

    def __len__(self) -> int:
        return len(self._nodes) - 1

    def get(self, path: bytes) -> Node | None:
        """Return the node of a path; no link is followed."""
        return self._nodes.get(path)

    def content(self, path: bytes) -> Content:
        """Return where a file's bytes are."""
        return self._contents[path]

    def children(self, path: bytes) -> Iterator[Node]:
        """Yield what is in a directory, in order."""
        prefix = path + b"/" if path else b""
        for name in sorted(self._names.get(path, ())):
            yield self._nodes[prefix + name]

    def add(self, entry: tar.Entry, content: Content | None = None) -> None:
        """Put an entry into its place; `content` for a file."""
        path = self._place(entry)
        if not path:
            if entry.kind == tar.DIRECTORY:
                self._nodes[b""] = node_of(entry, b"")
            return
        if entry.kind == tar.HARD_LINK:
            self._hard_link(entry, path)
        elif content is not None:
            self._put(node_of(entry, path))
            self._contents[path] = content
        else:
            self._put(node_of(entry, path))

    def _place(self, entry: tar.Entry) -> bytes:
        """Return the path of an entry in the tree, after links on the way to it."""
        name = clean(entry.name)
        folder, _, last = name.rpartition(b"/")
        if folder not in self._names:
            folder = self._follow(folder)
            name = folder + b"/" + last if folder else last
            _check_length(name)
        return name

    def _follow(self, path: bytes) -> bytes:
        """Return the directory that a path leads to; what is missing of it is made."""
        pending, at, links = path.split(b"/"), b"", 0
        pending.reverse()
        while pending:
            component = pending.pop()
            if component in (b"", b"."):
                continue
            if component == b"..":
                at = at.rpartition(b"/")[0]
                continue
            below = at + b"/" + component if at else component
            node = self._nodes.get(below)
            if node is None:
                self._put(_implicit(below))
            elif node.kind is Kind.LINK:
                links += 1
                if links > _MOST_LINKS:
                    raise HostileArchiveError(f"{_shown(path)} in the archive: too many links")
                pending += reversed(node.target.split(b"/"))
                at = b"" if node.target.startswith(b"/") else at
                continue
            elif node.kind is not Kind.DIRECTORY:
                raise HostileArchiveError(
                    f"the archive has entries below {_shown(below)}, which is no directory"
                )
            at = below
            _check_length(at)
        return at

    def _put(self, node: Node) -> None:
        path = node.path
        is_directory = node.kind is Kind.DIRECTORY
        before = self._nodes.get(path)
        if before is None:
            folder, _, name = path.rpartition(b"/")
            self._names[folder][name] = None
        elif before.kind is Kind.DIRECTORY:
            if not is_directory:
                self._empty(path)
        else:
            self._contents.pop(path, None)
        self._nodes[path] = node
        if is_directory and path not in self._names:
            self._names[path] = {}

    def _empty(self, path: bytes) -> None:
        """Forget what is below a directory that something else replaces, and that it was one."""
        pending = [path]
        while pending:
            at = pending.pop()
            for name in self._names.pop(at):
                below = at + b"/" + name
                self._contents.pop(below, None)
                if self._nodes.pop(below).kind is Kind.DIRECTORY:
                    pending.append(below)

    def _hard_link(self, entry: tar.Entry, path: bytes) -> None:
        target = clean(entry.link)
        folder, _, last = target.rpartition(b"/")
        if target and folder not in self._names:
            folder = self._follow(folder)
            target = folder + b"/" + last if folder else last
        node = self._nodes.get(target)
        if node is None or node.kind is Kind.DIRECTORY:
            why = "leads to nothing" if node is None else "leads to a directory"
            raise HostileArchiveError(
                f"hard link {_shown(path)} in the archive {why}: {_shown(entry.link)}"
            )
        if target == path:
            return
        if node.hard is None:
            self._groups += 1
            node = self._nodes[target] = dataclasses.replace(node, hard=self._groups)
        content = self._contents.get(target)
        self._put(dataclasses.replace(node, path=path))
        if content is not None:
            self._contents[path] = content


def clean(name: bytes) -> bytes:
    """Return the path that a name in an archive means; refuse one that no tree can have."""
    path = name.rstrip(b"/")
    if path.startswith(b"./"):
        path = path[2:]
    # Few names need more than a look; a name that begins with a dot is among them.
    if path[:1] in (b"/", b".") or b"//" in path or b"/." in path or b"\0" in path:
        path = b"/".join(split_name(path))
    if len(path) > _LONGEST_NAME:
        _check_length(path)
    return path


def node_of(entry: tar.Entry, path: bytes) -> Node:
    """Return an entry that is no hard link as a node."""
    kind = Kind.FILE if entry.is_file else _KINDS.get(entry.kind)
    if kind is None:
        raise CorruptContentError(f"entry of unknown type {chr(entry.kind)!r} in the archive")
    if not (0 <= entry.uid <= _MOST_ID and 0 <= entry.gid <= _MOST_ID):
        raise CorruptContentError(f"{_shown(path)} in the archive has an owner that cannot be")
    if not (0 <= entry.major <= _MOST_DEVICE[0] and 0 <= entry.minor <= _MOST_DEVICE[1]):
        raise CorruptContentError(f"{_shown(path)} in the archive is a device that cannot be")
    return Node(
        path,
        kind,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.real_size,
        min(max(entry.mtime_ns, _EARLIEST), _LATEST),
        entry.link if kind is Kind.LINK else b"",
        entry.major,
        entry.minor,
        entry.xattrs or NO_XATTRS,
    )


def _implicit(path: bytes) -> Node:
    return Node(path, Kind.DIRECTORY, 0o755, 0, 0)


def _check_length(path: bytes) -> None:
    if len(path) >= _LONGEST_PATH or max(map(len, path.split(b"/"))) > _LONGEST_NAME:
        raise HostileArchiveError(f"the archive has a name that is too long: {_shown(path)}")


def _shown(path: bytes) -> str:
    text = repr(os.fsdecode(path))
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
