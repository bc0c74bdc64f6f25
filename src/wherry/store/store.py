"""The store: opens a data root and holds its parts."""

from __future__ import annotations

import contextlib
import os

from wherry.base.lock import try_lock
from wherry.base.values import dataclass
from wherry.store import trash
from wherry.store.archives.archives import Archives
from wherry.store.blobs import LayerBlobs
from wherry.store.buildcache import BuildCache
from wherry.store.collection import Collected, Collector
from wherry.store.content.store import ContentStore
from wherry.store.errors import DataRootInUseError
from wherry.store.images import ImageStore
from wherry.store.layers.store import LayerStore
from wherry.store.layout import Layout
from wherry.store.metadata.metadata import Metadata
from wherry.store.snapshots import SnapshotStore

# The purpose of leases on what is pushed to this engine.
RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Usage:
    """What `docker system df` shows of images, without what only the build cache has; bytes."""

    layers: int
    blobs: int


class Store:
    """Everything below one data root, which no other process has open meanwhile."""

    def __init__(self, data_root: str, *, sync: bool) -> None:
        """Open it; use `Store.open`, which cleans up as well."""
        self.layout = Layout(os.path.abspath(data_root))
        with contextlib.ExitStack() as stack:
            self.layout.make()
            self._lock = _lock(self.layout)
            stack.callback(os.close, self._lock)
            self.metadata = Metadata(self.layout.database)
            stack.callback(self.metadata.close)
            database = self.metadata.database
            self.content = ContentStore(self.layout, sync=sync)
            self.layers = LayerStore(self.layout, database, sync=sync)
            self.blobs = LayerBlobs(self.layout, self.content, self.layers)
            self.snapshots = SnapshotStore(self.layout, self.layers)
            self.images = ImageStore(database, self.content, self.layers)
            self.collector = Collector(
                self.layout, self.metadata, self.content, self.layers, self.images
            )
            self.build_cache = BuildCache(self.layout, database, self.collector)
            self.archives = Archives(
                self.content, self.layers, self.blobs, self.images, self.metadata.leases,
                self.collector,
            )  # fmt: skip
            self._resources = stack.pop_all()

    @classmethod
    def open(cls, data_root: str, *, sync: bool = True) -> Store:
        """Open a data root, making what is missing and removing what a crash has left.

        Raises DataRootInUseError while another engine has it open. Without `sync`, blobs and layers
        are not forced to the disk: for tests.
        """
        store = cls(data_root, sync=sync)
        try:
            store.recover()
        except BaseException:
            store.close()
            raise
        return store

    def recover(self) -> None:
        """Remove what nobody will finish: partial blobs and layers, trash, leases of the dead."""
        trash.empty_all(self.layout)
        # A pull goes on with the blobs that it has; what others pushed to us they push again.
        received = self.metadata.leases.held(RECEIVED)
        self.metadata.leases.release_all()
        self.content.recover()
        self.layers.recover()
        self.build_cache.recover()
        if received:
            self.collector.collect(received)

    def collect(self) -> Collected:
        """Remove blobs and layers that nothing needs."""
        return self.collector.collect()

    def usage(self) -> Usage:
        """Return the sizes of all layers but those that the build cache alone has, and of blobs."""
        cached = {entry.diff_id for entry in self.build_cache.all()} - self.collector.used()
        layers = sum(layer.size for layer in self.layers.all() if layer.diff_id not in cached)
        return Usage(layers, sum(blob.size for blob in self.content.walk()))

    def close(self) -> None:
        """Close the database and let another engine open the root."""
        self._resources.close()


def _lock(layout: Layout) -> int:
    descriptor = try_lock(layout.lock)
    if descriptor is None:
        raise DataRootInUseError(layout.root)
    return descriptor
