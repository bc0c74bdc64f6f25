"""The writable layer that a step fills, as directories on top of those below it.

Nothing is mounted: what would be overlayfs' work is done here. A directory that exists below is
made again with the owner, mode, time and attributes that it has there before something is put into
it, and one that comes where a directory has gone is made opaque. Paths have been resolved through
all layers before; in the upper directory no link is ever followed, whatever an image has in it.

One thread; only this process writes to the directory. After a failure it is worthless, and whoever
made it removes it whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.base.trees import remove_tree
from wherry.base.values import dataclass
from wherry.linux import openat2
from wherry.store.errors import full_disk_named
from wherry.store.layers.files import OVERLAY_XATTRS, portable_xattrs
from wherry.store.layers.unpack import OPAQUE_XATTR, WHITEOUT_PREFIX
from wherry.store.layers.view import LayerView, children, is_directory, is_opaque, visible

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BENEATH: Final = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS
_NOT_A_FOLDER: Final = (errno.ENOTDIR, errno.ELOOP)
_NO_XATTRS: Final = (errno.ENOTSUP, errno.EPERM, errno.EINVAL)
Owner = tuple[int, int]
ROOT: Final[Owner] = (0, 0)


class CopyError(InvalidError):
    """Something cannot be written: `path`, in the image, and `why`; dockerd's prefix."""

    def __init__(self, path: bytes, why: str) -> None:
        super().__init__(f"failed to copy files: {why}: {shown(path)}")
        self.path = path
        self.why = why


class NotADirectoryInTheWayError(CopyError):
    """A path of the destination goes through something that is no directory."""

    def __init__(self, path: bytes) -> None:
        super().__init__(path, "not a directory")


class WhiteoutNameError(CopyError):
    """A file has a name that means something else in a layer."""

    def __init__(self, path: bytes) -> None:
        super().__init__(
            path, "names that begin with .wh. mark in a layer what it removes: exclude the file"
        )


def shown(path: bytes) -> str:
    """Return how errors write a path in the image."""
    return f"/{os.fsdecode(path)}"


@dataclass(slots=True)
class Folder:
    """An open directory of the layer. `below` are those that it merges with, topmost first."""

    path: bytes
    descriptor: int
    below: Sequence[bytes]
    _directories: frozenset[bytes] | None = None

    def look_below(self) -> None:
        """Look once for all names: worth it before much is written into the directory."""
        entries = visible(self.below)
        self._directories = frozenset(e.name for e in entries if e.is_dir(follow_symlinks=False))

    def has_directory_below(self, name: bytes) -> bool:
        """Tell whether the layers below have a directory under a name."""
        if self._directories is not None:
            return name in self._directories
        found = children(self.below, name)
        return bool(found) and is_directory(found[0])

    def join(self, name: bytes) -> bytes:
        """Return the path of something in it."""
        return self.path + b"/" + name if self.path else name


class Upper:
    """See the module. `current` is the path that is being worked at, for errors.

    `removals` counts what has been taken away again: descriptors may then be of what is gone.
    """

    def __init__(self, directory: str, below: LayerView) -> None:
        self._directory = directory
        self._below = below
        self._root = os.open(directory, _FOLDER)
        self.view = below.with_top(directory)
        self.current = b""
        self.removals = 0

    def close(self) -> None:
        """Close what is open."""
        os.close(self._root)

    @contextlib.contextmanager
    def errors_named(self) -> Iterator[None]:
        """Turn an OSError of the block into CopyError with the path, or DiskFullError."""
        with full_disk_named(self._directory):
            try:
                yield
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise CopyError(self.current, error.strerror or str(error)) from error

    def open(self, path: bytes, below: Sequence[bytes]) -> Folder:
        """Open a directory that is there."""
        descriptor = openat2.open_how(self._root, path or b".", _FOLDER, 0, _BENEATH)
        return Folder(path, descriptor, below)

    def make(self, path: bytes, owner: Owner = ROOT) -> Folder:
        """Open a directory, made with all that is missing on the way to it.

        What is neither here nor below belongs to `owner`. `path` has no link in it. Raises
        NotADirectoryInTheWayError.
        """
        return self.make_all(path, owner)[0]

    def make_all(self, path: bytes, owner: Owner) -> tuple[Folder, bool]:
        """Like `make`; tells as well whether anything was neither here nor below."""
        folder = Folder(b"", os.dup(self._root), self._below.merged(b""))
        anew = False
        try:
            for name in filter(None, path.split(b"/")):
                self.current = folder.join(name)
                following, made = self._enter(folder, name, owner)
                os.close(folder.descriptor)
                folder, anew = following, anew or made
        except BaseException:
            os.close(folder.descriptor)
            raise
        return folder, anew

    def _enter(self, folder: Folder, name: bytes, owner: Owner) -> tuple[Folder, bool]:
        path = folder.join(name)
        below = self.below(folder, name)
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=folder.descriptor)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in _NOT_A_FOLDER:
                raise NotADirectoryInTheWayError(path) from error
            raise
        else:
            return Folder(path, descriptor, hidden_by(descriptor, below)), False
        if below and not is_directory(below[0]):
            raise NotADirectoryInTheWayError(path)
        if below:
            return Folder(path, self._copy_up(folder, name, below[0]), below), False
        check_name(path, name)
        os.mkdir(name, 0o700, dir_fd=folder.descriptor)
        with self._opened_anew(folder, name) as descriptor:
            os.fchown(descriptor, *owner)
            os.fchmod(descriptor, 0o755)
        return Folder(path, descriptor, ()), True

    @staticmethod
    @contextlib.contextmanager
    def _opened_anew(folder: Folder, name: bytes) -> Iterator[int]:
        """Open a directory that was just made; it stays open unless the block fails."""
        descriptor = os.open(name, _FOLDER, dir_fd=folder.descriptor)
        try:
            yield descriptor
        except BaseException:
            os.close(descriptor)
            raise

    def remove(self, folder: Folder, name: bytes) -> None:
        """Remove what this layer has under a name."""
        self.removals += 1
        try:
            os.unlink(name, dir_fd=folder.descriptor)
        except IsADirectoryError:
            remove_tree(f"/proc/self/fd/{folder.descriptor}/{os.fsdecode(name)}")

    @staticmethod
    def below(folder: Folder, name: bytes) -> list[bytes]:
        """Return what the layers below have under a name in a directory."""
        return children(folder.below, name) if folder.below else []

    def _copy_up(self, folder: Folder, name: bytes, source: bytes) -> int:
        """Make a directory as it is below; that changes nobody's time."""
        before = os.fstat(folder.descriptor).st_mtime_ns
        os.mkdir(name, 0o700, dir_fd=folder.descriptor)
        with self._opened_anew(folder, name) as descriptor:
            told = os.lstat(source)
            os.fchown(descriptor, told.st_uid, told.st_gid)
            set_xattrs(descriptor, portable_xattrs(source))
            os.fchmod(descriptor, stat.S_IMODE(told.st_mode))
            os.utime(descriptor, ns=(told.st_mtime_ns, told.st_mtime_ns))
            os.utime(folder.descriptor, ns=(before, before))
        return descriptor


def hidden_by(descriptor: int, below: Sequence[bytes]) -> Sequence[bytes]:
    """Return what shows through a directory of this layer: nothing, if it is opaque."""
    if not below or is_opaque(b"/proc/self/fd/%d/." % descriptor):
        return ()
    return below


def make_opaque(descriptor: int) -> None:
    """Hide what the layers below have in a directory."""
    os.setxattr(descriptor, OPAQUE_XATTR, b"y")


def check_name(path: bytes, name: bytes) -> None:
    """Refuse a name that would be taken for a whiteout in the layer's archive."""
    if name.startswith(WHITEOUT_PREFIX):
        raise WhiteoutNameError(path)


def set_xattrs(descriptor: int, xattrs: Mapping[bytes, bytes]) -> None:
    """Set extended attributes; those that the file system does not have are left out."""
    for name, value in xattrs.items():
        if name.startswith(OVERLAY_XATTRS.encode()):
            continue  # these are overlayfs' own: no source has a say there
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            if error.errno not in _NO_XATTRS or name == b"security.capability":
                raise
