"""ADD of an archive: unpacked into a directory of the image.

Whatever is in an entry's place goes, but two directories become one. An entry below a link goes
where the link leads in the image, never out of it. Directories that no entry describes are root's,
with mode 0755. The directory that is unpacked into keeps its own attributes, whatever the archive
says of its root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from wherry.base.values import dataclass, field
from wherry.build.context.index import clean, node_of
from wherry.build.context.layers import LayersTree
from wherry.build.context.plain import plain
from wherry.build.context.tree import Kind, Node
from wherry.build.ops.content import Contents
from wherry.build.ops.upper import ROOT, CopyError, Folder
from wherry.build.ops.writer import Writer
from wherry.store.layers import tar
from wherry.store.layers.compression import Readable
from wherry.store.layers.files import write_all, write_sparse
from wherry.store.layers.unpack import NO_DIRECTORY

_OPEN_FOLDERS: Final = 32


def unpack(source: Readable, target: bytes, writer: Writer) -> None:
    """Unpack an archive, compressed or not, into the directory at `target`, which is there.

    Raises CorruptContentError, HostileArchiveError, CopyError.
    """
    unpacker = _Unpacker(writer, target)
    try:
        reader = tar.TarReader(plain(source))
        for entry in reader:
            unpacker.add(entry, reader)
        unpacker.finish()
    finally:
        unpacker.close()


@dataclass(slots=True)
class _Unpacker:
    writer: Writer
    target: bytes
    # Directories by the names that entries have for them, and all names on the way to them.
    _folders: dict[bytes, Folder] = field(default_factory=dict)
    _ways: set[bytes] = field(default_factory=set)
    _directories: dict[bytes, tuple[Node, Sequence[bytes]]] = field(default_factory=dict)

    def close(self) -> None:
        """Close every directory."""
        while self._folders:
            os.close(self._folders.popitem()[1].descriptor)
        self._ways.clear()

    def add(self, entry: tar.Entry, reader: tar.TarReader) -> None:
        """Write one entry."""
        path = clean(entry.name)
        if not path:
            return
        if path in self._ways:
            self.close()  # what comes now may lead elsewhere
        parent, _, name = path.rpartition(b"/")
        removals = self.writer.upper.removals
        folder = self._folder(parent)
        if entry.kind == tar.HARD_LINK:
            self._hard_link(folder, name, entry)
        else:
            self._put(folder, name, node_of(entry, path), lambda to: _fill(to, entry, reader))
        if self.writer.upper.removals != removals:
            self.close()

    def _put(self, folder: Folder, name: bytes, node: Node, fill: Callable[[int], None]) -> None:
        if node.kind is Kind.FILE:
            self.writer.file(folder, name, node, fill)
        elif node.kind is Kind.LINK:
            self.writer.link(folder, name, node)
        elif node.kind is not Kind.DIRECTORY:
            self.writer.special(folder, name, node)
        else:
            below = self.writer.directory(folder, name)
            path = folder.join(name)
            # The last entry counts, and directories are finished from the last to the first.
            self._directories.pop(path, None)
            self._directories[path] = node, below

    def _folder(self, parent: bytes) -> Folder:
        found = self._folders.get(parent)
        if found is None:
            if len(self._folders) >= _OPEN_FOLDERS:
                self.close()
            found = self._folders[parent] = self._open(parent)
            while parent:
                self._ways.add(parent)
                parent = parent.rpartition(b"/")[0]
        return found

    def _open(self, parent: bytes) -> Folder:
        upper = self.writer.upper
        path = self.target + b"/" + parent if parent else self.target
        return upper.make(upper.view.resolve(path), ROOT)

    def _hard_link(self, folder: Folder, name: bytes, entry: tar.Entry) -> None:
        parent, _, last = clean(entry.link).rpartition(b"/")
        source = self._open(parent)
        try:
            first, path = source.join(last), folder.join(name)
            if first != path:
                self._bring_up(source, last)
                self.writer.upper.current = path
                self.writer.hard_link(folder, name, first)
        finally:
            os.close(source.descriptor)

    def _bring_up(self, folder: Folder, name: bytes) -> None:
        """Copy a file from the layers below, unless this one has it: links cannot go across."""
        try:
            os.lstat(name, dir_fd=folder.descriptor)
        except FileNotFoundError:
            pass
        else:
            return
        tree = LayersTree(self.writer.upper.view)
        node = tree.get(folder.join(name))
        if node is None or node.kind is Kind.DIRECTORY:
            raise CopyError(folder.join(name), "a hard link in the archive leads to no file")
        Writer(self.writer.upper).put(folder, name, node, Contents(tree))

    def finish(self) -> None:
        """Give directories their attributes: last, since filling them changes the time."""
        upper = self.writer.upper
        for path, (node, below) in reversed(self._directories.items()):
            upper.current = path
            try:
                folder = upper.open(path, below)
            except OSError as error:
                if error.errno in NO_DIRECTORY:
                    continue  # a later entry has replaced it
                raise
            try:
                self.writer.finish_directory(folder, node)
            finally:
                os.close(folder.descriptor)


def _fill(descriptor: int, entry: tar.Entry, reader: tar.TarReader) -> None:
    if entry.holes is not None:
        write_sparse(descriptor, entry, reader)
        return
    for chunk in reader.data():
        write_all(descriptor, chunk)
