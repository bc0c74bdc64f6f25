"""Writes an archive that both Docker, old and new, and OCI tools read.

    oci-layout, index.json          OCI image layout 1.0
    blobs/sha256/<hex>              manifests, configurations, layers, as they are in the store
    manifest.json, repositories     docker-archive, whose paths lead into blobs/

Layers stay as compressed as they are: every reader of docker-archive looks at the bytes, and
neither image ID nor diff ID depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wherry.oci.digest import Digest, algorithm_of, encoded_of
from wherry.oci.image import OCI_INDEX, Descriptor, Index, Platform
from wherry.oci.reference import Reference
from wherry.store.blobs import LayerBlobs
from wherry.store.content.store import ContentStore
from wherry.store.images import Image, ImageLayer
from wherry.store.layers.compression import Writable
from wherry.store.layers.headers import END, Header, encode, padding
from wherry.store.manifests import manifest_of

IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"


def save(
    images: Sequence[tuple[Image, list[Reference]]],
    content: ContentStore,
    blobs: LayerBlobs,
    sink: Writable,
) -> None:
    """Write the archive; the same images and names give the same bytes.

    Raises LayerChangedError in the midst of it: what has been written is worthless then.
    """
    writer = _Writer(sink, content, blobs)
    writer.add_bytes("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    described: list[Descriptor] = []
    for image, references in images:
        described += writer.add_image(image, references)
    index = Index(schema_version=2, media_type=OCI_INDEX, manifests=described)
    writer.add_bytes("index.json", msgspec.json.encode(index))
    listed = [_docker_entry(image, references) for image, references in images]
    writer.add_bytes("manifest.json", msgspec.json.encode(listed))
    repositories = _repositories(images)
    if repositories:
        writer.add_bytes("repositories", msgspec.json.encode(repositories))
    sink.write(END)


def blob_path(digest: Digest) -> str:
    """Return the path of a blob in an OCI layout."""
    return f"blobs/{algorithm_of(digest)}/{encoded_of(digest)}"


def _docker_entry(image: Image, references: list[Reference]) -> dict[str, Any]:
    return {
        "Config": blob_path(image.id),
        "RepoTags": [reference.familiar for reference in references] or None,
        "Layers": [blob_path(layer.descriptor.digest) for layer in image.layers],
    }


def _repositories(
    images: Sequence[tuple[Image, list[Reference]]],
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for image, references in images:
        top = encoded_of(image.layers[-1].descriptor.digest) if image.layers else ""
        for reference in references:
            found.setdefault(reference.familiar_name, {})[reference.tag or ""] = top
    return found


class _Writer:
    def __init__(self, sink: Writable, content: ContentStore, blobs: LayerBlobs) -> None:
        self._sink = sink
        self._content = content
        self._blobs = blobs
        self._written: set[str] = set()

    def add_bytes(self, path: str, data: bytes) -> None:
        header = encode(Header(path.encode(), size=len(data)))
        self._sink.write(header + data + padding(len(data)))

    def add_image(self, image: Image, references: list[Reference]) -> list[Descriptor]:
        """Write an image's blobs; returns its descriptors for the index, one for each name."""
        for layer in image.layers:
            self._add_layer(layer)
        self._add_once(image.id, image.config_bytes)
        manifest, data = manifest_of(image, self._content)
        self._add_once(manifest.digest, data)
        platform = Platform(image.config.architecture, image.config.os)
        plain = Descriptor(manifest.media_type, manifest.digest, manifest.size, platform=platform)
        return [_named(plain, reference) for reference in references] or [plain]

    def _add_once(self, digest: Digest, data: bytes) -> None:
        if digest not in self._written:
            self._written.add(digest)
            self.add_bytes(blob_path(digest), data)

    def _add_layer(self, layer: ImageLayer) -> None:
        digest = layer.descriptor.digest
        if digest in self._written:
            return
        self._written.add(digest)
        size = self._blobs.size(layer)
        self._sink.write(encode(Header(blob_path(digest).encode(), size=size)))
        self._blobs.write(layer, self._sink)
        self._sink.write(padding(size))


def _named(plain: Descriptor, reference: Reference) -> Descriptor:
    names = {IMAGE_NAME: reference.canonical, REF_NAME: reference.tag or ""}
    return msgspec.structs.replace(plain, annotations=names)
