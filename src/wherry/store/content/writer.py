"""Writing one blob: hashed while it streams, given its name only when it is right.

On disk it is `content/partial/<key>.partial` until `commit`. Leaving the writer without a commit
keeps that file when the digest was known from the start, so that the next writer of the same blob
goes on from `offset`; otherwise, and whenever the disk is full, the file is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from types import TracebackType

from wherry.base import faults
from wherry.base.atomic import sync_directory
from wherry.base.errors import ConflictError, DataLossError
from wherry.oci.digest import Digest, algorithm_of
from wherry.store.errors import DiskFullError, full_disk_named
from wherry.store.layout import Layout

_CHUNK = 1 << 20


class BlobMismatchError(DataLossError):
    """The bytes that arrived are not those that were asked for."""


class WriterBusyError(ConflictError):
    """Somebody is writing this blob already."""


class BlobWriter:
    """A context manager made by `ContentStore.writer`; one thread at a time may use it."""

    def __init__(
        self,
        layout: Layout,
        key: str,
        expected: Digest | None,
        size: int | None,
        *,
        sync: bool,
        closed: Callable[[], None],
    ) -> None:
        self._layout = layout
        self._path = layout.partial_blob(key)
        self._expected = expected
        self._resumable = expected is not None
        self._size = size
        self._sync = sync
        self._closed = closed
        self._algorithm = algorithm_of(expected) if expected else "sha256"
        self._hash = hashlib.new(self._algorithm)
        self.offset = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with full_disk_named(self._path):
            self._file = open(os.open(self._path, flags, 0o600), "r+b", buffering=0)  # noqa: SIM115
        self._resume()

    def _resume(self) -> None:
        while chunk := self._file.read(_CHUNK):
            self._hash.update(chunk)
            self.offset += len(chunk)
        if self._size is not None and self.offset > self._size:
            self.restart()

    def restart(self) -> None:
        """Forget what is there: the source cannot resume."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.new(self._algorithm)
        self.offset = 0

    def write(self, data: bytes | memoryview) -> int:
        """Append; raises BlobMismatchError beyond the announced size, DiskFullError."""
        if self._size is not None and self.offset + len(data) > self._size:
            self._remove()
            raise BlobMismatchError(f"more than the announced {self._size} bytes arrived")
        view = memoryview(data)
        try:
            with full_disk_named(self._path):
                while view:
                    view = view[self._file.write(view) :]
        except DiskFullError:
            self._remove()
            raise
        self._hash.update(data)
        self.offset += len(data)
        return len(data)

    def expect(self, digest: Digest) -> None:
        """Say only now which blob this is; all is read again where sha256 is not its algorithm."""
        self._expected = digest
        if algorithm_of(digest) != self._algorithm:
            self._algorithm = algorithm_of(digest)
            self._hash = hashlib.new(self._algorithm)
            self.offset = 0
            self._file.seek(0)
            self._resume()

    @property
    def digest(self) -> Digest:
        """The digest of what has been written so far."""
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def commit(self) -> Digest:
        """Verify size and digest and give the blob its name; what is wrong is removed."""
        digest = self.digest
        if self._size is not None and self.offset != self._size:
            raise BlobMismatchError(
                f"{self.offset} bytes arrived where {self._size} were announced"
            )
        if self._expected is not None and digest != self._expected:
            self._remove()
            raise BlobMismatchError(f"{self._expected} was asked for, {digest} arrived")
        self._publish(self._layout.blob(digest))
        return digest

    def _publish(self, target: str) -> None:
        os.fchmod(self._file.fileno(), 0o444)
        if self._sync:
            with full_disk_named(self._path):
                os.fsync(self._file.fileno())
        faults.point("content.written")
        os.rename(self._path, target)
        faults.point("content.renamed")
        if self._sync:
            sync_directory(os.path.dirname(target))

    def _remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self._resumable or self.offset == 0:
            self._remove()
        self._closed()
