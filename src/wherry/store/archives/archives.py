"""Saves images into archives and loads them from archives."""

from __future__ import annotations

import os
from collections.abc import Sequence

from wherry.oci.reference import Reference
from wherry.store.archives.load import LoadedImage, Loader
from wherry.store.archives.save import save
from wherry.store.blobs import LayerBlobs
from wherry.store.collection import Collector
from wherry.store.content.store import ContentStore
from wherry.store.images import Image, ImageStore
from wherry.store.layers.compression import Readable, Writable
from wherry.store.layers.store import LayerStore
from wherry.store.metadata.metadata import Leases


class Archives:
    """Both directions of `docker save` and `docker load`."""

    def __init__(
        self,
        content: ContentStore,
        layers: LayerStore,
        blobs: LayerBlobs,
        images: ImageStore,
        leases: Leases,
        collector: Collector,
    ) -> None:
        self._content = content
        self._layers = layers
        self._blobs = blobs
        self._images = images
        self._leases = leases
        self._collector = collector

    def save(self, names: Sequence[str], sink: Writable) -> None:
        """Write an archive of the images that users named; raises ImageNotFoundError.

        A name brings its tag along, an id brings the image only, a repository its `latest`.
        """
        chosen: dict[str, tuple[Image, list[Reference]]] = {}
        for name in names:
            image = self._images.resolve(name)
            _, references = chosen.setdefault(image.id, (image, []))
            reference = self._tag_meant(name, image)
            if reference is not None and reference not in references:
                references.append(reference)
        save(list(chosen.values()), self._content, self._blobs, sink)

    def _tag_meant(self, name: str, image: Image) -> Reference | None:
        for reference in self._images.references(image.id):
            plain = {reference.familiar, reference.canonical}
            if reference.tag == "latest":
                plain |= {reference.familiar_name, reference.repository}
            if reference.tag and name in plain:
                return reference
        return None

    def load(self, stream: Readable) -> list[LoadedImage]:
        """Load every image of an archive: docker-archive or OCI layout, plain, gzip or zstd.

        Raises InvalidError for what is no such archive, CorruptContentError, DiskFullError.
        Nothing is named before it is complete, and what is not needed in the end is removed.
        """
        lease = f"load-{os.urandom(8).hex()}"
        loader = Loader(self._content, self._layers, self._images, self._leases, lease)
        try:
            return loader.load(stream)
        finally:
            self._leases.release(lease)
            self._collector.collect(loader.brought)
