"""Writes an archive that both Docker, old and new, and OCI tools read.

    oci-layout, index.json          OCI image layout 1.0
    blobs/sha256/<hex>              manifests, configurations, layers, as they are in the store
    manifest.json, repositories     docker-archive, whose paths lead into blobs/

Layers stay as compressed as they are: every reader of docker-archive looks at the bytes, and
neither image ID nor diff ID depends on it.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import msgspec

from wherry.oci.digest import Digest, algorithm_of, encoded_of
from wherry.oci.image import OCI_INDEX, Descriptor, Index, Platform
from wherry.oci.reference import Reference
from wherry.store.content.store import ContentStore
from wherry.store.images import Image
from wherry.store.layers.compression import Writable
from wherry.store.manifests import manifest_of

IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"


def save(
    images: Sequence[tuple[Image, list[Reference]]], content: ContentStore, sink: Writable
) -> None:
    """Write the archive; the same images and names give the same bytes."""
    with tarfile.open(fileobj=cast(BinaryIO, sink), mode="w|", format=tarfile.PAX_FORMAT) as out:
        writer = _Writer(out, content)
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
    def __init__(self, archive: tarfile.TarFile, content: ContentStore) -> None:
        self._archive = archive
        self._content = content
        self._written: set[str] = set()

    def add_bytes(self, path: str, data: bytes) -> None:
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        self._archive.addfile(entry, io.BytesIO(data))

    def add_image(self, image: Image, references: list[Reference]) -> list[Descriptor]:
        """Write an image's blobs; returns its descriptors for the index, one for each name."""
        for layer in image.layers:
            self._add_blob(layer.descriptor.digest)
        self._add_blob(image.id)
        manifest, data = manifest_of(image, self._content)
        if manifest.digest not in self._written:
            self._written.add(manifest.digest)
            self.add_bytes(blob_path(manifest.digest), data)
        platform = Platform(image.config.architecture, image.config.os)
        plain = Descriptor(manifest.media_type, manifest.digest, manifest.size, platform=platform)
        return [_named(plain, reference) for reference in references] or [plain]

    def _add_blob(self, digest: Digest) -> None:
        if digest in self._written:
            return
        self._written.add(digest)
        entry = tarfile.TarInfo(blob_path(digest))
        entry.size = self._content.info(digest).size
        with self._content.open(digest) as source:
            self._archive.addfile(entry, source)


def _named(plain: Descriptor, reference: Reference) -> Descriptor:
    names = {IMAGE_NAME: reference.canonical, REF_NAME: reference.tag or ""}
    return msgspec.structs.replace(plain, annotations=names)
