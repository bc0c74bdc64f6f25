"""Collection: removes blobs and layers that no image, container, cached step or lease needs.

It decides and takes away while it holds the database's writer, and every lease is taken with the
writer, so nothing that a lease names can go from under it. What was taken away is removed after the
writer has been released. A container's record names its layers and image in the fields `layers` and
`image_id`; that much of the engine's record is known here, and no more.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from wherry.base.values import dataclass, field
from wherry.oci.digest import Digest
from wherry.oci.reading import read
from wherry.store import trash
from wherry.store.content.store import ContentStore
from wherry.store.images import ImageStore
from wherry.store.layers.store import LayerStore
from wherry.store.layout import Layout
from wherry.store.metadata.metadata import Metadata


@dataclass(slots=True)
class Collected:
    """What collection removed; `size` is of the blobs and of the files in the layers, in bytes."""

    blobs: list[Digest] = field(default_factory=list)
    layers: list[Digest] = field(default_factory=list)
    size: int = 0


class _ContainerUses(msgspec.Struct):
    layers: list[Digest] = []
    image_id: str = ""


class Collector:
    """Finds and removes what nothing needs."""

    def __init__(
        self,
        layout: Layout,
        metadata: Metadata,
        content: ContentStore,
        layers: LayerStore,
        images: ImageStore,
    ) -> None:
        self._layout = layout
        self._metadata = metadata
        self._content = content
        self._layers = layers
        self._images = images

    def collect(self, candidates: Collection[str] | None = None) -> Collected:
        """Remove what is not needed; of `candidates` only, blobs and diff IDs, where given."""
        done = Collected()
        aside: list[str | None] = []
        with self._metadata.database.transaction():
            needed = self._needed()

            def unneeded(digest: str) -> bool:
                return digest not in needed and (candidates is None or digest in candidates)

            for blob in list(self._content.walk()):
                if unneeded(blob.digest):
                    aside.append(trash.discard(self._layout, self._content.path(blob.digest)))
                    done.blobs.append(blob.digest)
                    done.size += blob.size
            for layer in self._layers.all():
                if unneeded(layer.diff_id):
                    aside.append(self._layers.forget(layer.diff_id))
                    done.layers.append(layer.diff_id)
                    done.size += layer.size
        for path in aside:
            trash.empty(path)
        return done

    def _needed(self) -> set[str]:
        rows = self._metadata.database.rows("SELECT diff_id FROM build_cache WHERE diff_id <> ''")
        return self.leased() | self.used() | {row[0] for row in rows}

    def leased(self) -> set[str]:
        """Return what leases hold: what is being made, or needed by something that is."""
        return {row[0] for row in self._metadata.database.rows("SELECT resource FROM leases")}

    def used(self) -> set[str]:
        """Return what images and containers need: blobs and diff IDs."""
        used: set[str] = set()
        for image in self._images.list():
            used.add(image.id)
            used.update(image.diff_ids)
            used.update(layer.descriptor.digest for layer in image.layers)
            if image.manifest is not None:
                used.add(image.manifest.digest)
        for _, _, body in self._metadata.records("containers").all():
            uses = read(body, _ContainerUses)
            used.update(uses.layers)
            used.add(uses.image_id)
        return used
