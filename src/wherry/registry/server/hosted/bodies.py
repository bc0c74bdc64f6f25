"""Bodies of manifests in memory, by digest: what a digest names never changes."""

from __future__ import annotations

from collections import OrderedDict

from wherry.oci.digest import Digest
from wherry.registry.server.backend import StoredManifest

# A manifest that takes more than this part of the cache would push out too many others.
_LARGEST_PART = 8
_OVERHEAD = 512


class Bodies:
    """The manifests asked for last, bounded by their bytes. Says nothing about who has them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._kept: OrderedDict[Digest, StoredManifest] = OrderedDict()

    def get(self, digest: Digest) -> StoredManifest | None:
        """Return a manifest that is here."""
        manifest = self._kept.get(digest)
        if manifest is not None:
            self._kept.move_to_end(digest)
        return manifest

    def put(self, manifest: StoredManifest) -> None:
        """Keep a manifest, at the cost of those that nobody asked for longest."""
        size = len(manifest.body) + _OVERHEAD
        if size > self._room // _LARGEST_PART or manifest.digest in self._kept:
            return
        self._kept[manifest.digest] = manifest
        self._used += size
        while self._used > self._room:
            _, dropped = self._kept.popitem(last=False)
            self._used -= len(dropped.body) + _OVERHEAD
