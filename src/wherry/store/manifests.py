"""Manifests of images: the one that came with an image, or one made of what is here. Pure."""

from __future__ import annotations

import msgspec

from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_CONFIG, OCI_MANIFEST, Descriptor, Manifest
from wherry.store.content.store import ContentStore
from wherry.store.images import Image


def manifest_of(image: Image, content: ContentStore) -> tuple[Descriptor, bytes]:
    """Return an image's manifest with its descriptor; the same image gives the same bytes."""
    if image.manifest is not None and content.has(image.manifest.digest):
        return image.manifest, content.read(image.manifest.digest)
    made = Manifest(
        schema_version=2,
        media_type=OCI_MANIFEST,
        config=Descriptor(OCI_CONFIG, image.id, len(image.config_bytes)),
        layers=[layer.descriptor for layer in image.layers],
    )
    data = msgspec.json.encode(made)
    return Descriptor(OCI_MANIFEST, digest_bytes(data), len(data)), data
