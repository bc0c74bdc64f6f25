"""The blobs of layers, whether or not they are stored: the one door to a layer's bytes.

A layer that a build has made is described by its plain archive, whose digest is the diff ID, but
the archive is not kept: it is written again from the layer's directory whenever somebody wants it,
and must come out the same. Everything else is in the content store.
"""

from __future__ import annotations

import tempfile
from typing import BinaryIO

from wherry.oci.digest import Digest
from wherry.store.content.store import BlobNotFoundError, ContentStore
from wherry.store.errors import CorruptContentError, full_disk_named
from wherry.store.images import ImageLayer
from wherry.store.layers.compression import HashingSink, Writable, copy
from wherry.store.layers.store import LayerStore
from wherry.store.layout import Layout


class LayerChangedError(CorruptContentError):
    """A layer's directory does not give its archive any more."""

    def __init__(self, diff_id: Digest, directory: str) -> None:
        super().__init__(
            f"layer {diff_id}: somebody has changed its files in {directory}: remove the images"
            " that have it, prune the build cache, and build or pull them again"
        )


class LayerBlobs:
    """Reads what an image calls its layers' blobs; may be used by any thread."""

    def __init__(self, layout: Layout, content: ContentStore, layers: LayerStore) -> None:
        self._layout = layout
        self._content = content
        self._layers = layers

    def size(self, layer: ImageLayer) -> int:
        """Return how many bytes `write` writes; raises BlobNotFoundError."""
        if self._content.has(layer.descriptor.digest) or not self._can_be_made(layer):
            return self._content.info(layer.descriptor.digest).size
        return layer.descriptor.size

    def write(self, layer: ImageLayer, sink: Writable) -> None:
        """Write a layer's blob.

        Raises BlobNotFoundError; and LayerChangedError once all is written, so what has been made
        of it until then is to be thrown away.
        """
        stored = self._stored(layer)
        if stored is None:
            self._make(layer, sink)
            return
        with stored:
            copy(stored, sink)

    def open(self, layer: ImageLayer) -> BinaryIO:
        """Open a layer's blob, to be read from anywhere; raises as `write`, at once.

        What is not stored is written to a file without a name first.
        """
        stored = self._stored(layer)
        if stored is not None:
            return stored
        with full_disk_named(self._layout.partials):
            file = tempfile.TemporaryFile(dir=self._layout.partials)  # noqa: SIM115
            try:
                self._make(layer, file)
                file.seek(0)
            except BaseException:
                file.close()
                raise
        return file

    def _stored(self, layer: ImageLayer) -> BinaryIO | None:
        try:
            return self._content.open(layer.descriptor.digest)
        except BlobNotFoundError:
            if self._can_be_made(layer):
                return None
            raise

    def _can_be_made(self, layer: ImageLayer) -> bool:
        return layer.descriptor.digest == layer.diff_id and self._layers.has(layer.diff_id)

    def _make(self, layer: ImageLayer, sink: Writable) -> None:
        made = HashingSink(sink)
        self._layers.regenerate(layer.diff_id, made)
        if made.digest() != layer.diff_id:
            raise LayerChangedError(layer.diff_id, self._layers.path(layer.diff_id))
