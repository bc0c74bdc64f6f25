"""The blobs by digest.

Files appear by rename, complete and verified, and never change; so reading needs no lock. Two
writers of one blob are refused within the process, and the data root belongs to one process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

from wherry.base.errors import NotFoundError
from wherry.base.values import dataclass
from wherry.oci.digest import Digest, digest_bytes
from wherry.store import trash
from wherry.store.content.writer import BlobWriter, WriterBusyError
from wherry.store.layout import ALGORITHMS, PARTIAL, Layout

_RESUMABLE_SECONDS = 24 * 3600
_NAMELESS = "nameless-"


class BlobNotFoundError(NotFoundError):
    """No blob has this digest here."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"content {digest}: not found")
        self.digest = digest


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob; `size` in bytes."""

    digest: Digest
    size: int


class ContentStore:
    """Blobs below `content/`; may be used by any thread."""

    def __init__(self, layout: Layout, *, sync: bool = True) -> None:
        self._layout = layout
        self._sync = sync
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def has(self, digest: Digest) -> bool:
        """Tell whether the blob is here."""
        return os.path.exists(self._layout.blob(digest))

    def info(self, digest: Digest) -> BlobInfo:
        """Return the blob's size; raises BlobNotFoundError."""
        try:
            return BlobInfo(digest, os.stat(self._layout.blob(digest)).st_size)
        except FileNotFoundError:
            raise BlobNotFoundError(digest) from None

    def path(self, digest: Digest) -> str:
        """Return where the blob lies, whether or not it is there."""
        return self._layout.blob(digest)

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob for reading; raises BlobNotFoundError."""
        try:
            return open(self._layout.blob(digest), "rb")
        except FileNotFoundError:
            raise BlobNotFoundError(digest) from None

    def read(self, digest: Digest) -> bytes:
        """Return a small blob whole: a manifest, a configuration."""
        with self.open(digest) as source:
            return source.read()

    def writer(self, expected: Digest | None = None, size: int | None = None) -> BlobWriter:
        """Begin, or resume, to write a blob; raises WriterBusyError.

        `expected` names what is written and makes it resumable; without it, the writer is like no
        other, and what it wrote is gone when it was not committed.
        """
        if expected is None:
            key = _NAMELESS + os.urandom(32).hex()
        else:
            key = hashlib.sha256(expected.encode()).hexdigest()
        with self._lock:
            if key in self._busy:
                raise WriterBusyError(f"content {expected} is being written")
            self._busy.add(key)
        try:
            return BlobWriter(
                self._layout, key, expected, size, sync=self._sync, closed=lambda: self._done(key)
            )
        except BaseException:
            self._done(key)
            raise

    def _done(self, key: str) -> None:
        with self._lock:
            self._busy.discard(key)

    def put(self, data: bytes) -> Digest:
        """Store bytes that are at hand and return their digest."""
        digest = digest_bytes(data)
        if not self.has(digest):
            with self.writer(size=len(data)) as writer:
                writer.write(data)
                writer.commit()
        return digest

    def delete(self, digest: Digest) -> bool:
        """Remove a blob; returns whether it was there. Open readers keep what they have open."""
        return trash.remove(self._layout, self._layout.blob(digest))

    def walk(self) -> Iterator[BlobInfo]:
        """Yield every blob; what is deleted meanwhile may be left out."""
        for algorithm in ALGORITHMS:
            with os.scandir(f"{self._layout.content}/{algorithm}") as entries:
                for entry in entries:
                    digest = Digest(f"{algorithm}:{entry.name}")
                    with contextlib.suppress(FileNotFoundError):
                        yield BlobInfo(digest, entry.stat(follow_symlinks=False).st_size)

    def recover(self, now: float | None = None) -> None:
        """Remove what cannot be resumed any more: nameless partial blobs, others after a day."""
        oldest = (time.time() if now is None else now) - _RESUMABLE_SECONDS
        with os.scandir(self._layout.partials) as entries:
            for entry in entries:
                if not entry.name.endswith(PARTIAL):
                    continue
                if entry.name.startswith(_NAMELESS) or entry.stat().st_mtime < oldest:
                    os.unlink(entry.path)
