"""Writes nodes of trees into a layer: files, links, devices, and directories with all in them.

A file, link or device that is there already goes, and two directories become one. A directory does
not go for anything else, nor a file for a directory, unless the writer `replaces`: as in BuildKit,
for dockerd's classic builder lets whole directories go. One directory is open at a time, however
deep a tree is, and its time is set when all that is directly in it has been made.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field
from wherry.build.context.tree import Kind, Node, Tree
from wherry.build.ops.chmod import Chmod
from wherry.build.ops.content import Contents
from wherry.build.ops.upper import (
    ROOT,
    CopyError,
    Folder,
    Owner,
    Upper,
    check_name,
    hidden_by,
    make_opaque,
    set_xattrs,
    shown,
)
from wherry.store.layers.files import portable_xattrs
from wherry.store.layers.view import is_directory

_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEVICES: Final = {Kind.CHARACTER: stat.S_IFCHR, Kind.BLOCK: stat.S_IFBLK, Kind.FIFO: stat.S_IFIFO}
_WHITEOUT: Final = (Kind.CHARACTER, 0, 0)


class NonDirectoryInTheWayError(InvalidError):
    """The content of a directory is to be put into what is none; BuildKit's words."""

    def __init__(self, path: bytes) -> None:
        super().__init__(f"cannot copy to non-directory: {shown(path)}")


class DirectoryInTheWayError(InvalidError):
    """A file is to be put where a directory is; docker's words."""

    def __init__(self, path: bytes) -> None:
        super().__init__(f"cannot overwrite directory {shown(path)} with non-directory")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A directory that has been made and is to be filled."""

    node: Node
    path: bytes
    below: Sequence[bytes]


@dataclass(slots=True)
class Writer:
    """Writes one source into a layer; `owner` None keeps owners, as `chmod` None keeps modes."""

    upper: Upper
    owner: Owner | None = None
    chmod: Chmod | None = None
    replaces: bool = False
    # Where each file with several names has been written first: in one source, as dockerd has it.
    _written: dict[object, bytes] = field(default_factory=dict)

    @property
    def new_owner(self) -> Owner:
        """Whose directories are that no source has."""
        return self.owner or ROOT

    def merge(self, tree: Tree, node: Node, folder: Folder) -> None:
        """Write what is in a directory of a tree into an open one, which keeps its attributes."""
        contents = Contents(tree)
        pending = self._fill(tree, node, folder, contents)
        pending.reverse()
        while pending:
            one = pending.pop()
            self.upper.current = one.path
            inner = self.upper.open(one.path, one.below)
            try:
                inner.below = hidden_by(inner.descriptor, one.below)
                following = self._fill(tree, one.node, inner, contents)
                self.upper.current = one.path
                self.finish_directory(inner, one.node)
            finally:
                os.close(inner.descriptor)
            pending += reversed(following)

    def _fill(self, tree: Tree, node: Node, folder: Folder, contents: Contents) -> list[_Pending]:
        """Write what is directly in a directory; return the directories to go on with."""
        found = list[_Pending]()
        folder.look_below()
        for child in tree.children(node):
            name = child.name
            if child.kind is Kind.DIRECTORY:
                below = self.directory(folder, name)
                found.append(_Pending(child, folder.join(name), below))
            elif child.kind is not Kind.SOCKET:
                self.put(folder, name, child, contents)
        return found

    def directory(self, folder: Folder, name: bytes) -> Sequence[bytes]:
        """See to it that there is a directory; return those below that it merges with."""
        path = self.upper.current = folder.join(name)
        check_name(path, name)
        below = self.upper.below(folder, name)
        in_the_way = below and not is_directory(below[0])
        below, hidden = ([], below) if in_the_way else (below, [])
        try:
            os.mkdir(name, 0o700, dir_fd=folder.descriptor)
        except FileExistsError:
            told = os.lstat(name, dir_fd=folder.descriptor)
            if not stat.S_ISDIR(told.st_mode):
                self._give_way(path, told.st_mode)
                self.upper.remove(folder, name)
                os.mkdir(name, 0o700, dir_fd=folder.descriptor)
                if below:
                    self._hide_below(folder, name)
                return ()
        else:
            if hidden:
                self._give_way(path, os.lstat(hidden[0]).st_mode)
        return below

    def _give_way(self, path: bytes, mode: int) -> None:
        """Say whether something may go for a directory; links do, as in dockerd."""
        if not self.replaces and not stat.S_ISLNK(mode):
            raise NonDirectoryInTheWayError(path)

    @staticmethod
    def _hide_below(folder: Folder, name: bytes) -> None:
        """Keep what was below hidden: this layer has had something else in its place before."""
        descriptor = os.open(name, _FOLDER, dir_fd=folder.descriptor)
        try:
            make_opaque(descriptor)
        finally:
            os.close(descriptor)

    def finish_directory(self, folder: Folder, node: Node) -> None:
        """Give an open directory what its node says."""
        descriptor = folder.descriptor
        if folder.below:
            set_xattrs(descriptor, portable_xattrs(folder.below[0]))
        os.fchown(descriptor, *(self.owner or (node.uid, node.gid)))
        if node.xattrs:
            set_xattrs(descriptor, node.xattrs)
        os.fchmod(descriptor, self.chmod(node.mode, True) if self.chmod else node.mode)
        os.utime(descriptor, ns=(node.mtime_ns, node.mtime_ns))

    def put(self, folder: Folder, name: bytes, node: Node, contents: Contents) -> None:
        """Write anything but a directory."""
        if node.kind is Kind.FILE:
            self.file(folder, name, node, lambda target: contents.write(node, target))
        elif node.kind is Kind.LINK:
            self.link(folder, name, node)
        else:
            self.special(folder, name, node)

    def file(self, folder: Folder, name: bytes, node: Node, fill: Callable[[int], None]) -> None:
        """Write a file; `fill` writes the content to a descriptor."""
        path = self._at(folder, name)
        if node.hard is not None:
            first = self._written.setdefault(node.hard, path)
            if first != path:
                self.hard_link(folder, name, first)
                return
        may_hide = bool(folder.below)
        try:
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=folder.descriptor)
        except FileExistsError:
            may_hide = False  # what was here has hidden what is below
            self._make_room(folder, name)
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=folder.descriptor)
        try:
            if may_hide:
                self._check_below(folder, name)
            if node.size:
                fill(descriptor)
            os.fchown(descriptor, *(self.owner or (node.uid, node.gid)))
            # Changing the owner clears capabilities and setuid, so these come after it.
            if node.xattrs:
                set_xattrs(descriptor, node.xattrs)
            os.fchmod(descriptor, self.chmod(node.mode, False) if self.chmod else node.mode)
            os.utime(descriptor, ns=(node.mtime_ns, node.mtime_ns))
        finally:
            os.close(descriptor)

    def hard_link(self, folder: Folder, name: bytes, first: bytes) -> None:
        """Give a file of this layer one more name."""
        check_name(folder.join(name), name)
        parent, _, last = first.rpartition(b"/")
        source = self.upper.open(parent, ())
        try:
            self._make_room(folder, name)
            os.link(
                last, name, src_dir_fd=source.descriptor, dst_dir_fd=folder.descriptor,
                follow_symlinks=False,
            )  # fmt: skip
        finally:
            os.close(source.descriptor)

    def link(self, folder: Folder, name: bytes, node: Node) -> None:
        """Write a symbolic link."""
        self._at(folder, name)
        self._make_room(folder, name)
        os.symlink(node.target, name, dir_fd=folder.descriptor)
        self._finish(folder, name, node)

    def special(self, folder: Folder, name: bytes, node: Node) -> None:
        """Write a device or a pipe."""
        path = self._at(folder, name)
        if node.kind not in _DEVICES:
            raise CopyError(path, "sockets cannot be copied")
        if (node.kind, node.major, node.minor) == _WHITEOUT:
            raise CopyError(path, "a character device 0:0 means in a layer that the name is gone")
        self._make_room(folder, name)
        device = os.makedev(node.major, node.minor)
        os.mknod(name, _DEVICES[node.kind] | 0o600, device, dir_fd=folder.descriptor)
        self._finish(folder, name, node)

    def _at(self, folder: Folder, name: bytes) -> bytes:
        path = self.upper.current = folder.join(name)
        if name[:1] == b".":
            check_name(path, name)
        return path

    def _make_room(self, folder: Folder, name: bytes) -> None:
        try:
            told = os.lstat(name, dir_fd=folder.descriptor)
        except FileNotFoundError:
            self._check_below(folder, name)
            return
        if stat.S_ISDIR(told.st_mode) and not self.replaces:
            raise DirectoryInTheWayError(folder.join(name))
        self.upper.remove(folder, name)

    def _check_below(self, folder: Folder, name: bytes) -> None:
        """Refuse to hide a directory of the layers below with something else."""
        if not self.replaces and folder.has_directory_below(name):
            raise DirectoryInTheWayError(folder.join(name))

    def _finish(self, folder: Folder, name: bytes, node: Node) -> None:
        """Give a link or a device what its node says; such have no extended attributes here."""
        uid, gid = self.owner or (node.uid, node.gid)
        at = folder.descriptor
        os.chown(name, uid, gid, dir_fd=at, follow_symlinks=False)
        if node.kind is not Kind.LINK:
            mode = self.chmod(node.mode, False) if self.chmod else node.mode
            os.chmod(name, mode, dir_fd=at)
        os.utime(name, ns=(node.mtime_ns, node.mtime_ns), dir_fd=at, follow_symlinks=False)
