"""Files of the host as nodes of a tree: what the trees of directories and of layers share."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, Final

from wherry.base.errors import UnavailableError
from wherry.build.context.tree import NO_XATTRS, Kind, Node
from wherry.store.layers.files import portable_xattrs

# Whatever has come in a file's place, opening it neither waits nor has an effect.
READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_READ: Final = 1 << 20
_KINDS: Final = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.LINK,
    stat.S_IFCHR: Kind.CHARACTER,
    stat.S_IFBLK: Kind.BLOCK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
}
_WITH_DATA: Final = (Kind.FILE, Kind.DIRECTORY)
_DEVICES: Final = (Kind.CHARACTER, Kind.BLOCK)


class UnreadableFileError(UnavailableError):
    """A file to copy from cannot be read."""

    def __init__(self, path: bytes, error: OSError) -> None:
        super().__init__(f"cannot read {os.fsdecode(path) or '/'}: {error.strerror}")


class Held:
    """A descriptor that is closed when nobody refers to it any more.

    So closing a tree cannot give another file's bytes to a thread that still reads from it.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor


@contextlib.contextmanager
def unreadable_named(path: bytes) -> Iterator[None]:
    """Turn an OSError of the block into one that names the file."""
    try:
        yield
    except OSError as error:
        raise UnreadableFileError(path, error) from error


def node_at(path: bytes, place: bytes, told: os.stat_result) -> Node:
    """Return what is at `place` on the host, of which lstat has told, as the node of `path`."""
    kind = _KINDS[stat.S_IFMT(told.st_mode)]
    return Node(
        path,
        kind,
        stat.S_IMODE(told.st_mode),
        told.st_uid,
        told.st_gid,
        told.st_size if kind is Kind.FILE else 0,
        told.st_mtime_ns,
        os.readlink(place) if kind is Kind.LINK else b"",
        os.major(told.st_rdev) if kind in _DEVICES else 0,
        os.minor(told.st_rdev) if kind in _DEVICES else 0,
        (portable_xattrs(place) or NO_XATTRS) if kind in _WITH_DATA else NO_XATTRS,
        (told.st_dev, told.st_ino) if told.st_nlink > 1 and kind is not Kind.DIRECTORY else None,
    )


def opened(descriptor: int) -> BinaryIO:
    """Return an open regular file; raises OSError for anything else, and closes that."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no regular file any more")
    return open(descriptor, "rb")


def digest_of(file: BinaryIO) -> bytes:
    """Return the SHA-256 of what a file has left to read."""
    hashed = hashlib.sha256()
    while chunk := file.read(_READ):
        hashed.update(chunk)
    return hashed.digest()
