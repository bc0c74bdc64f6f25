"""Objects as files below one directory; `layout` has the tree.

A file has its final name while it is being written: no one looks for a key before the catalog has
claimed it, and the catalog has the key of what a dead process left. What is written is on the disk
when `write` returns, the name as well as the bytes. What is deleted is gone when `delete` returns,
even after a power cut: otherwise a file could stay that the catalog has already forgotten.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from wherry.base.atomic import sync_directory
from wherry.base.errors import InternalError
from wherry.registry.blobdrivers.driver import (
    Key,
    LocalFile,
    ObjectInfo,
    ObjectNotFoundError,
    StorageUnavailableError,
)
from wherry.registry.blobdrivers.filesink import PIECE, Sink, gathered
from wherry.registry.blobdrivers.layout import Tree, is_key

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_OLD = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_NAMELESS = os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC
_NO_NAMELESS = frozenset({errno.EISDIR, errno.EOPNOTSUPP, errno.EINVAL})
_WAYS_OUT = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there, or raise the quota of the registry's user",
    errno.EACCES: "let the registry's user read and write there",
    errno.EPERM: "let the registry's user read and write there",
    errno.EROFS: "mount the file system for writing",
    errno.ENOENT: "is its file system mounted?",
    errno.EIO: "the disk fails: the kernel's log says more",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


class KeyUsedError(InternalError):
    """A key was given out twice."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"object {key}: is there already, and a key is used once")


class FileDriver:
    """Implements `BlobDriver`. Several processes may use one directory.

    `sync` False is for tests: what was written then does not survive a power cut.
    """

    def __init__(self, root: str, *, sync: bool = True) -> None:
        self._tree = Tree(root)
        self._sync = sync
        with self._failures():
            self._tree.make(sync=sync)

    def write(self, key: Key, pieces: Iterable[bytes]) -> int:
        """Write an object out of `pieces` and return its size."""
        with self._new(key) as sink:
            for some in gathered(pieces):  # which may raise an OSError that is not the disk's
                with self._failures():
                    sink.write(some)
        return sink.size

    def compose(self, key: Key, parts: Sequence[Key]) -> int:
        """Write an object out of others and return its size."""
        with self._new(key) as sink:
            for part in parts:
                with self._open(part) as source, self._failures():
                    sink.copy(source.fileno())
        return sink.size

    @contextlib.contextmanager
    def _new(self, key: Key) -> Iterator[Sink]:
        path = self._tree.path(key)
        with ExitStack() as undo:
            with self._failures():
                descriptor = self._created(path, key)
            undo.callback(_remove, path)
            with ExitStack() as held:
                held.callback(os.close, descriptor)
                sink = held.enter_context(Sink(descriptor, sync=self._sync))
                yield sink
                with self._failures():
                    sink.finish()
                    if self._sync:
                        sync_directory(os.path.dirname(path))
            undo.pop_all()

    def _created(self, path: str, key: Key) -> int:
        try:
            return os.open(path, _NEW, 0o600)
        except FileExistsError:
            raise KeyUsedError(key) from None
        except FileNotFoundError:
            self._tree.make_folder(key, sync=self._sync)
            return os.open(path, _NEW, 0o600)

    def size(self, key: Key) -> int:
        """Return an object's size in bytes; raises ObjectNotFoundError."""
        with self._failures(key):
            return os.stat(self._tree.path(key), follow_symlinks=False).st_size

    def read(self, key: Key, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield bytes from `start`, at most `length` of them; raises ObjectNotFoundError."""
        with self._open(key) as source:
            source.seek(start)
            left = length
            while left is None or left > 0:
                with self._failures():
                    piece = source.read(PIECE if left is None else min(left, PIECE))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def source(self, key: Key, *, redirect: bool = True) -> LocalFile:  # noqa: ARG002
        """Return the file; nobody is ever sent elsewhere for it."""
        return LocalFile(lambda: self._open(key))

    def _open(self, key: Key) -> BinaryIO:
        with self._failures(key):
            return os.fdopen(os.open(self._tree.path(key), _OLD), "rb", buffering=0)

    def delete(self, keys: Sequence[Key]) -> None:
        """Delete objects, for good; those that are not there are no error."""
        with self._failures():
            for key in keys:
                _remove(self._tree.path(key))
            if self._sync:
                for folder in {self._tree.folder(key) for key in keys}:
                    with contextlib.suppress(FileNotFoundError):  # never had an object
                        sync_directory(folder)

    def walk(self) -> Iterator[ObjectInfo]:
        """Yield every object; whatever else lies there is passed over."""
        with self._failures():
            folders = self._tree.folders()
        for folder in folders:
            with self._failures():
                found = list(_objects_in(folder))
            yield from found

    def check(self) -> None:
        """Raise StorageUnavailableError unless a file can be written now."""
        with self._failures():
            _try_to_write(self._tree.objects)

    @contextlib.contextmanager
    def _failures(self, key: Key | None = None) -> Iterator[None]:
        """Tell failures of the disk with the way out; with `key`, that this object is not there."""
        try:
            yield
        except FileNotFoundError as error:
            if key is not None and os.path.isdir(self._tree.objects):
                raise ObjectNotFoundError(key) from None
            raise self._unavailable(error) from error
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> StorageUnavailableError:
        words = f"{self._tree.objects}: {(error.strerror or str(error)).lower()}"
        way_out = _WAYS_OUT.get(error.errno or 0)
        return StorageUnavailableError(f"{words}; {way_out}" if way_out else words)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _objects_in(folder: str) -> Iterator[ObjectInfo]:
    with os.scandir(folder) as entries:
        for entry in entries:
            named = is_key(entry.name) and folder.endswith(f"/{entry.name[:2]}")
            if not named or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                status = entry.stat(follow_symlinks=False)
                yield ObjectInfo(Key(entry.name), status.st_size, status.st_mtime)


def _try_to_write(folder: str) -> None:
    """Write to a file without a name, which nobody has to remove."""
    try:
        descriptor = os.open(folder, _NAMELESS, 0o600)
    except OSError as error:
        if error.errno not in _NO_NAMELESS:
            raise
        _look_for_room(folder)
        return
    try:
        os.write(descriptor, bytes(4096))
    finally:
        os.close(descriptor)


def _look_for_room(folder: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    if os.statvfs(folder).f_bavail == 0:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
