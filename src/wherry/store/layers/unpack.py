"""Unpacks a layer's archive into a directory that becomes an overlay lower directory.

The archive is hostile until proven otherwise. Every name is split into components, `..` above the
root is refused, and everything is opened by descriptor with openat2 beneath the layer's own root.
A link that the layer brought and then writes through leads where it would inside a container.

Whiteouts become overlayfs' own: a character device 0:0 for a removed name, the xattr
`trusted.overlay.opaque` for a directory whose content below is hidden.

A layer is unpacked without the layers below it. What only they know is noted in `Pending` and
mended by `settle` when the image is put together: directories that no entry described, and hard
links whose target lies in a lower layer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import Final

from wherry.base.values import dataclass, field
from wherry.linux import openat2
from wherry.store.errors import CorruptContentError, HostileArchiveError
from wherry.store.layers import tar
from wherry.store.layers.compression import Readable
from wherry.store.layers.files import set_xattrs, write_all, write_sparse

WHITEOUT_PREFIX: Final = b".wh."
OPAQUE_MARKER: Final = b".wh..wh..opq"
_WHITEOUT_META: Final = b".wh..wh."
OPAQUE_XATTR: Final = "trusted.overlay.opaque"
_BENEATH: Final = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS
_CACHED_PARENTS: Final = 64
NO_DIRECTORY: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV)


@dataclass(slots=True)
class Pending:
    """What the layers below have to decide, by path relative to the layer's root."""

    implicit: list[bytes] = field(default_factory=list)
    links: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Unpacked:
    """How many bytes of file content were unpacked, and what is left to settle."""

    size: int
    pending: Pending


def split_name(name: bytes) -> list[bytes]:
    """Return the components of a name beneath the root; refuse one that climbs out."""
    components: list[bytes] = []
    for component in name.split(b"/"):
        if component in (b"", b"."):
            continue
        if component == b"..":
            if not components:
                raise HostileArchiveError(
                    f"the archive has an entry outside of its root: {os.fsdecode(name)!r}"
                )
            components.pop()
        elif b"\0" in component:
            raise HostileArchiveError("the archive has a name with a null byte")
        else:
            components.append(component)
    return components


def unpack(source: Readable, target: str) -> Unpacked:
    """Unpack an archive of plain bytes into the empty directory `target`."""
    with contextlib.closing(_Unpacker(target)) as unpacker:
        reader = tar.TarReader(source)
        for entry in reader:
            unpacker.add(entry, reader)
        unpacker.finish()
        return Unpacked(unpacker.size, unpacker.pending)


class _Unpacker:
    def __init__(self, target: str) -> None:
        self._root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._parents: dict[tuple[bytes, ...], int] = {}
        self._explicit: set[bytes] = {b""}
        self._made: set[bytes] = set()
        self._implicit: dict[bytes, None] = {}
        self._directories: list[tuple[bytes, tar.Entry]] = []
        self.size = 0
        self.pending = Pending()

    def close(self) -> None:
        """Close every descriptor."""
        self._forget_parents()
        os.close(self._root)

    def add(self, entry: tar.Entry, reader: tar.TarReader) -> None:
        """Unpack one entry."""
        components = split_name(entry.name)
        if not components:
            if entry.kind == tar.DIRECTORY:
                self._directories.append((b"", entry))
            return
        path, name = b"/".join(components), components[-1]
        parent = self._parent(tuple(components[:-1]))
        if name.startswith(WHITEOUT_PREFIX):
            self._whiteout(parent, path, name)
            return
        self._made.add(path)
        self._explicit.add(path)
        if entry.kind == tar.DIRECTORY:
            self._directory(parent, name, path, entry)
            return
        self._replace(parent, name, components)
        if entry.is_file:
            self._file(parent, name, entry, reader)
        elif entry.kind == tar.HARD_LINK:
            self._hard_link(parent, name, path, entry)
        elif entry.kind == tar.SYMLINK:
            os.symlink(entry.link, name, dir_fd=parent)
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
            self._times(parent, name, entry)
        elif entry.kind in (tar.CHARACTER, tar.BLOCK_DEVICE, tar.FIFO):
            self._node(parent, name, entry)
        else:
            raise CorruptContentError(f"entry of unknown type {chr(entry.kind)!r} in the archive")

    def _parent(self, components: tuple[bytes, ...]) -> int:
        """Return a descriptor of a parent directory, made where no entry made it before."""
        if not components:
            return self._root
        found = self._parents.get(components)
        if found is not None:
            return found
        above = self._parent(components[:-1])
        path = b"/".join(components)
        opened = self._open_directory(above, components[-1]) or self._open_through_link(path)
        if opened is None:
            hides = self._is_whiteout(above, components[-1])
            self._replace(above, components[-1], list(components))
            os.mkdir(components[-1], 0o755, dir_fd=above)
            os.chmod(components[-1], 0o755, dir_fd=above)
            if hides:
                self._make_opaque(above, components[-1])
            self._implicit[path] = None
            self._made.add(path)
            opened = self._open_directory(above, components[-1])
            assert opened is not None
        if len(self._parents) >= _CACHED_PARENTS:
            self._forget_parents(keep=components)
        self._parents[components] = opened
        return opened

    def _open_through_link(self, path: bytes) -> int | None:
        """Open a parent that is a link to a directory of this layer, with the layer as root."""
        try:
            return openat2.open_in_root(self._root, path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            if error.errno in NO_DIRECTORY:
                return None
            raise

    @staticmethod
    def _open_directory(parent: int, name: bytes) -> int | None:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        try:
            return openat2.open_how(parent, name, flags, 0, _BENEATH)
        except OSError as error:
            if error.errno in NO_DIRECTORY:
                return None
            raise

    def _forget_parents(self, keep: tuple[bytes, ...] = ()) -> None:
        for components in list(self._parents):
            if not keep or keep[: len(components)] != components:
                os.close(self._parents.pop(components))

    def _replace(self, parent: int, name: bytes, components: list[bytes]) -> None:
        """Remove what an earlier entry of this archive put where another is about to be."""
        try:
            mode = os.lstat(name, dir_fd=parent).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISDIR(mode):
            own = tuple(components)
            for cached in [c for c in self._parents if c[: len(own)] == own]:
                os.close(self._parents.pop(cached))
            shutil.rmtree(name, dir_fd=parent)
            prefix = b"/".join(components)
            self._directories = [
                d
                for d in self._directories
                if d[0] != prefix and not d[0].startswith(prefix + b"/")
            ]
        else:
            os.unlink(name, dir_fd=parent)

    def _whiteout(self, parent: int, path: bytes, name: bytes) -> None:
        if name == OPAQUE_MARKER:
            os.setxattr(parent, OPAQUE_XATTR, b"y")
            return
        if name.startswith(_WHITEOUT_META):
            return  # bookkeeping of aufs, which means nothing here
        hidden = name.removeprefix(WHITEOUT_PREFIX)
        if hidden in (b"", b".", b".."):
            raise HostileArchiveError(f"the archive has a whiteout of {os.fsdecode(hidden)!r}")
        folder, slash, _ = path.rpartition(b"/")
        if folder + slash + hidden in self._made:
            # A whiteout hides what is below, never what its own layer brings.
            self._make_opaque(parent, hidden)
            return
        with contextlib.suppress(FileExistsError):
            os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)

    def _directory(self, parent: int, name: bytes, path: bytes, entry: tar.Entry) -> None:
        if self._open_and_close(parent, name) is None:
            hides = self._is_whiteout(parent, name)
            self._replace(parent, name, path.split(b"/"))
            os.mkdir(name, 0o700, dir_fd=parent)
            if hides:
                self._make_opaque(parent, name)
        self._directories.append((path, entry))
        self._implicit.pop(path, None)

    @staticmethod
    def _is_whiteout(parent: int, name: bytes) -> bool:
        try:
            told = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            return False
        return stat.S_ISCHR(told.st_mode) and told.st_rdev == 0

    def _make_opaque(self, parent: int, name: bytes) -> None:
        """Hide what the layers below have in a directory that this layer brings anew."""
        opened = self._open_directory(parent, name)
        if opened is not None:
            os.setxattr(opened, OPAQUE_XATTR, b"y")
            os.close(opened)

    def _open_and_close(self, parent: int, name: bytes) -> bool | None:
        opened = self._open_directory(parent, name)
        if opened is None:
            return None
        os.close(opened)
        return True

    def _file(self, parent: int, name: bytes, entry: tar.Entry, reader: tar.TarReader) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            if entry.holes is None:
                for chunk in reader.data():
                    write_all(descriptor, chunk)
            else:
                write_sparse(descriptor, entry, reader)
            self.size += entry.size
            os.fchown(descriptor, entry.uid, entry.gid)
            # Changing the owner clears capabilities and setuid, so these come after it.
            set_xattrs(descriptor, entry)
            os.fchmod(descriptor, entry.mode)
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)

    def _hard_link(self, parent: int, name: bytes, path: bytes, entry: tar.Entry) -> None:
        components = split_name(entry.link)
        if not components:
            raise HostileArchiveError("the archive has a hard link to its own root")
        folder = self._root
        try:
            if len(components) > 1:
                above = b"/".join(components[:-1])
                folder = openat2.open_in_root(self._root, above, os.O_PATH | os.O_DIRECTORY)
            os.link(
                components[-1], name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False
            )
        except OSError as error:
            if error.errno not in NO_DIRECTORY:
                raise
            self.pending.links.append((path, b"/".join(components)))
        finally:
            if folder != self._root:
                os.close(folder)

    def _node(self, parent: int, name: bytes, entry: tar.Entry) -> None:
        kinds = {tar.CHARACTER: stat.S_IFCHR, tar.BLOCK_DEVICE: stat.S_IFBLK}
        kind = kinds.get(entry.kind, stat.S_IFIFO)
        device = os.makedev(entry.major, entry.minor) if kind != stat.S_IFIFO else 0
        os.mknod(name, kind | 0o600, device, dir_fd=parent)
        os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        os.chmod(name, entry.mode, dir_fd=parent)
        self._times(parent, name, entry)

    @staticmethod
    def _times(parent: int, name: bytes, entry: tar.Entry) -> None:
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def finish(self) -> None:
        """Give directories owner, mode and time: last, since filling them changes the time."""
        for path, entry in reversed(self._directories):
            opened = self._root if not path else self._open_path(path)
            if opened is None:
                continue
            try:
                os.fchown(opened, entry.uid, entry.gid)
                set_xattrs(opened, entry)
                os.fchmod(opened, entry.mode)
                os.utime(opened, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                if opened != self._root:
                    os.close(opened)
        self.pending.implicit = [p for p in self._implicit if p not in self._explicit]

    def _open_path(self, path: bytes) -> int | None:
        try:
            return openat2.open_how(self._root, path, os.O_RDONLY | os.O_DIRECTORY, 0, _BENEATH)
        except OSError:
            return None  # replaced by something else further on in the archive
