"""Holding what is being written until an image, or the build cache, names it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from wherry.base.errors import CancelledError
from wherry.base.values import dataclass, field
from wherry.store.store import Store


@dataclass(slots=True)
class Lease:
    """Digests of blobs and layers that collection leaves alone meanwhile."""

    store: Store
    name: str
    held: set[str] = field(default_factory=set)
    _ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, *resources: str) -> None:
        """Hold further digests; blocking. Raises CancelledError when nobody waits any more."""
        with self._lock:
            if self._ended:
                # Whoever was cancelled has released all: this would be held for ever.
                raise CancelledError(f"{self.name} was cancelled")
            self.store.metadata.leases.acquire(self.name, list(resources))
            self.held.update(resources)

    def release(self) -> None:
        """Hold nothing any more; idempotent."""
        with self._lock:
            self._ended = True
            self.store.metadata.leases.release(self.name)

    def discard(self) -> None:
        """Hold nothing any more, and remove what was held and is needed by nobody; blocking."""
        self.release()
        self.store.collector.collect(self.held)


@contextlib.contextmanager
def lease(store: Store, purpose: str) -> Iterator[Lease]:
    """Hold what is named until the end. Blocking at the end only: one statement."""
    made = Lease(store, f"{purpose}-{os.urandom(8).hex()}")
    try:
        yield made
    finally:
        made.release()


@contextlib.contextmanager
def lease_or_discard(store: Store, purpose: str) -> Iterator[Lease]:
    """Hold what is named until the end; after a failure what was made goes. Blocking."""
    with lease(store, purpose) as held:
        try:
            yield held
        except BaseException as error:
            try:
                held.discard()
            except Exception as another:
                error.add_note(f"and what had been stored of it could not be removed: {another}")
            raise
