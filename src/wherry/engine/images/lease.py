"""Holding what is being written until an image names it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from wherry.store.store import Store


@dataclass(slots=True)
class Lease:
    """Digests of blobs and layers that collection leaves alone meanwhile."""

    store: Store
    name: str
    held: set[str] = field(default_factory=set)

    def hold(self, *resources: str) -> None:
        """Hold further digests; blocking."""
        self.store.metadata.leases.acquire(self.name, list(resources))
        self.held.update(resources)


@contextlib.contextmanager
def lease(store: Store, purpose: str) -> Iterator[Lease]:
    """Hold what is named until the end. Blocking at the end only: one statement."""
    made = Lease(store, f"{purpose}-{os.urandom(8).hex()}")
    try:
        yield made
    finally:
        store.metadata.leases.release(made.name)
