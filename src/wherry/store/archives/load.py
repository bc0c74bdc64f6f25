"""Reads archives: docker-archive of any Docker since 1.10, and OCI layouts.

Where the parts of an archive stand in it is not said beforehand, so every file of it becomes a blob
first, under a lease, and a table leads from its path to its digest. Docker's `manifest.json` is
preferred: it is in every archive of Docker, and lists exactly what was saved.
"""

from __future__ import annotations

import posixpath
from typing import Any, TypeVar

import msgspec

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.oci.digest import Digest
from wherry.oci.image import (
    INDEX_TYPES,
    OCI_MANIFEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
)
from wherry.oci.platform import choose, host_platform
from wherry.oci.reading import read
from wherry.oci.reference import InvalidReferenceError, Reference, parse_reference
from wherry.store.archives.save import IMAGE_NAME, blob_path
from wherry.store.content.store import ContentStore
from wherry.store.images import Image, ImageLayer, ImageStore
from wherry.store.layers import tar
from wherry.store.layers.compression import (
    MAGIC_BYTES,
    Readable,
    buffered,
    decompressed,
    media_type_of,
)
from wherry.store.layers.store import LayerStore
from wherry.store.metadata.metadata import Leases

Shape = TypeVar("Shape")


class NotAnArchiveError(InvalidError):
    """What was sent is no archive of images."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image that an archive brought, once for each of its names; None for no name."""

    reference: Reference | None
    image_id: Digest


class _DockerEntry(msgspec.Struct, rename="pascal"):
    config: str
    repo_tags: list[str] | None = None
    layers: list[str] | None = None


class Loader:
    """One load; `brought` are the digests of what the archive brought."""

    def __init__(
        self,
        content: ContentStore,
        layers: LayerStore,
        images: ImageStore,
        leases: Leases,
        lease: str,
    ) -> None:
        self._content = content
        self._layers = layers
        self._images = images
        self._leases = leases
        self._lease = lease
        self._files: dict[str, Digest] = {}
        self._links: dict[str, str] = {}
        self.brought: set[str] = set()

    def load(self, stream: Readable) -> list[LoadedImage]:
        """Take in the archive and make its images."""
        self._take_in(stream)
        if self._find("manifest.json"):
            entries = self._decode("manifest.json", list[_DockerEntry])
            return [loaded for entry in entries for loaded in self._docker_image(entry)]
        if self._find("index.json"):
            return self._index(self._decode("index.json", Index))
        raise NotAnArchiveError(
            "no image found in the archive: neither manifest.json nor index.json"
        )

    def _take_in(self, stream: Readable) -> None:
        reader = tar.TarReader(buffered(decompressed(stream)))
        for entry in reader:
            path = _clean(entry.name)
            if entry.is_file:
                self._files[path] = self._take_file(reader)
            elif entry.kind == tar.SYMLINK:
                target = posixpath.join(posixpath.dirname(path), _text(entry.link))
                self._links[path] = posixpath.normpath(target)
            elif entry.kind == tar.HARD_LINK:
                self._links[path] = _clean(entry.link)

    def _take_file(self, reader: tar.TarReader) -> Digest:
        with self._content.writer() as writer:
            for chunk in reader.data():
                writer.write(chunk)
            digest = writer.digest
            self._hold(digest)
            return digest if self._content.has(digest) else writer.commit()

    def _hold(self, resource: str) -> None:
        self._leases.acquire(self._lease, [resource])
        self.brought.add(resource)

    def _find(self, path: str) -> Digest | None:
        path = posixpath.normpath(path)
        for _ in range(len(self._links) + 1):
            if path not in self._links:
                break
            path = self._links[path]
        return self._files.get(path)

    def _require(self, path: str) -> Digest:
        digest = self._find(path)
        if digest is None:
            raise NotAnArchiveError(f"the archive has no {path}, which its manifest names")
        return digest

    def _decode(self, path: str, shape: type[Shape]) -> Shape:
        return self._decode_blob(self._require(path), path, shape)

    def _decode_blob(self, digest: Digest, what: str, shape: type[Shape]) -> Shape:
        try:
            return read(self._content.read(digest), shape)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise NotAnArchiveError(f"{what} of the archive is damaged: {error}") from error

    def _docker_image(self, entry: _DockerEntry) -> list[LoadedImage]:
        config = self._require(entry.config)
        blobs = [self._require(path) for path in entry.layers or ()]
        image = self._make(config, [self._describe(blob) for blob in blobs], None)
        return self._name(image, [parse_reference(tag) for tag in entry.repo_tags or ()])

    def _describe(self, blob: Digest) -> Descriptor:
        with self._content.open(blob) as source:
            kind = media_type_of(source.read(MAGIC_BYTES))
        return Descriptor(kind, blob, self._content.info(blob).size)

    def _index(self, index: Index) -> list[LoadedImage]:
        loaded: list[LoadedImage] = []
        for descriptor in index.manifests:
            chosen = self._chosen(descriptor)
            if chosen is None:
                continue
            manifest = self._decode(blob_path(chosen.digest), Manifest)
            config = self._require(blob_path(manifest.config.digest))
            for layer in manifest.layers:
                self._require(blob_path(layer.digest))
            plain = Descriptor(chosen.media_type or OCI_MANIFEST, chosen.digest, chosen.size)
            image = self._make(config, manifest.layers, plain)
            loaded += self._name(image, _names(descriptor.annotations or {}))
        if not loaded:
            raise NotAnArchiveError("the archive has no image for this platform")
        return loaded

    def _chosen(self, descriptor: Descriptor) -> Descriptor | None:
        """Follow an index to the manifest for this machine."""
        if descriptor.media_type not in INDEX_TYPES:
            return descriptor
        inner = self._decode(blob_path(descriptor.digest), Index)
        return choose(inner.manifests, host_platform())

    def _make(self, config: Digest, blobs: list[Descriptor], manifest: Descriptor | None) -> Image:
        diff_ids = self._decode_blob(config, "an image configuration", ImageConfig).rootfs.diff_ids
        if len(diff_ids) != len(blobs):
            raise NotAnArchiveError(
                f"image {config} has {len(diff_ids)} layers, the archive {len(blobs)}"
            )
        for blob, diff_id in zip(blobs, diff_ids, strict=True):
            self._hold(diff_id)
            with self._content.open(blob.digest) as source:
                self._layers.unpack(source, blob.media_type, diff_id)
        layers = [ImageLayer(b, d) for b, d in zip(blobs, diff_ids, strict=True)]
        return self._images.put(self._content.read(config), layers, manifest)

    def _name(self, image: Image, references: list[Reference]) -> list[LoadedImage]:
        for reference in references:
            self._images.tag(reference, image.id)
        named = [LoadedImage(reference, image.id) for reference in references]
        return named or [LoadedImage(None, image.id)]


def _names(annotations: dict[str, Any]) -> list[Reference]:
    """Return the name that an index gives an image, where it is one that can be pulled."""
    name = annotations.get(IMAGE_NAME, "")
    try:
        return [parse_reference(name).with_default_tag()] if name else []
    except InvalidReferenceError:
        return []


def _clean(name: bytes) -> str:
    return posixpath.normpath(_text(name)).lstrip("/")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
