"""What repositories have, looked up in the store each time: nothing here can be out of date.

A repository has the images that its references lead to, and of each image its manifest, its
configuration and its layers, and no other blob. Blocking; may be used by any thread.

An image that was made here has no manifest until somebody asks: it is made of the image then, the
same each time, with layers that are plain archives. Should the image be compressed meanwhile, for a
push to elsewhere, the manifest changes; whoever is just pulling the earlier one still finds it, for
the latest that were made are remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import BinaryIO, Final

from wherry.base.errors import NotFoundError
from wherry.engine.registry.names import Names
from wherry.oci.digest import Digest
from wherry.oci.image import OCI_MANIFEST
from wherry.oci.platform import format_platform, platform_of
from wherry.oci.reference import Reference
from wherry.registry.blobdrivers.driver import Key, LocalFile, ObjectNotFoundError
from wherry.registry.server.backend import (
    Blob,
    ManifestUnknownError,
    RepositoryDetail,
    RepositoryUnknownError,
    StoredManifest,
    TagDetail,
)
from wherry.store.images import Image, ImageLayer, ImageNotFoundError
from wherry.store.manifests import manifest_of
from wherry.store.store import Store

_REMEMBERED: Final = 256


class Contents:
    """Repositories over the store."""

    def __init__(self, store: Store, names: Names) -> None:
        self._store = store
        self._names = names
        self._made: OrderedDict[Digest, Image] = OrderedDict()
        self._lock = threading.Lock()

    def references(self, name: str) -> dict[Reference, Digest]:
        """Return a repository's references, those of its own addresses first, with their images."""
        found: dict[Reference, Digest] = {}
        for repository in self._names.repositories(name):
            found.update(self._store.images.in_repository(repository))
        return found

    def tags(self, name: str) -> dict[str, Image]:
        """Return a repository's tags in their order; raises RepositoryUnknownError."""
        references = self.references(name)
        if not references:
            raise RepositoryUnknownError(name)
        found: dict[str, Image] = {}
        for reference, image_id in references.items():
            if reference.tag and reference.tag not in found and (image := self._image(image_id)):
                found[reference.tag] = image
        return dict(sorted(found.items()))

    def manifest(self, name: str, wanted: str) -> StoredManifest:
        """Return a manifest by tag or digest; RepositoryUnknownError, ManifestUnknownError."""
        references = self.references(name)
        if not references:
            raise RepositoryUnknownError(name)
        if ":" in wanted:
            found = (self._manifest(image) for image in self._versions(references.values()))
            manifest = next((one for one in found if one.digest == wanted), None)
        else:
            image = self._tagged(references, wanted)
            manifest = self._manifest(image) if image else None
        if manifest is None:
            raise ManifestUnknownError(name, wanted)
        return manifest

    def leads_to(self, reference: Reference, digest: Digest) -> bool:
        """Tell whether a reference leads to the image that has this manifest."""
        image_id = self._store.images.lookup(reference)
        versions = self._versions([image_id] if image_id else [])
        return any(self._manifest(image).digest == digest for image in versions)

    def _tagged(self, references: dict[Reference, Digest], tag: str) -> Image | None:
        found = (self._image(known) for one, known in references.items() if one.tag == tag)
        return next(filter(None, found), None)

    def _image(self, image_id: Digest) -> Image | None:
        """Return an image, None when it has been deleted this moment."""
        try:
            return self._store.images.get(image_id)
        except ImageNotFoundError:
            return None

    def _versions(self, image_ids: Iterable[Digest]) -> Iterator[Image]:
        """Yield images as they are, and as they were when a manifest was made of them."""
        for image_id in dict.fromkeys(image_ids):
            image = self._image(image_id)
            if image is not None:
                yield image
                if (made := self._made.get(image_id)) and made is not image:
                    yield made

    def _manifest(self, image: Image) -> StoredManifest:
        described, body = manifest_of(image, self._store.content)
        if image.manifest is None:
            with self._lock:
                self._made[image.id] = image
                self._made.move_to_end(image.id)
                if len(self._made) > _REMEMBERED:
                    self._made.popitem(last=False)
        return StoredManifest(described.digest, described.media_type or OCI_MANIFEST, body)

    def blob(self, name: str, digest: Digest) -> Blob | None:
        """Return a blob of a repository's images."""
        for image in self._versions(self.references(name).values()):
            if image.id == digest:
                return self._stored(digest)
            for layer in image.layers:
                if layer.descriptor.digest == digest and (found := self._layer(layer)):
                    return found
        return None

    def anywhere(self, digest: Digest) -> Blob | None:
        """Return a blob that the engine has, whatever names it."""
        if found := self._stored(digest):
            return found
        layer = self._store.images.with_layer(digest)
        return self._layer(layer) if layer else None

    def _stored(self, digest: Digest) -> Blob | None:
        try:
            size = self._store.content.info(digest).size
        except NotFoundError:
            return None
        return Blob(digest, size, _source(digest, partial(self._store.content.open, digest)))

    def _layer(self, layer: ImageLayer) -> Blob | None:
        digest = layer.descriptor.digest
        try:
            size = self._store.blobs.size(layer)
        except NotFoundError:
            return None
        return Blob(digest, size, _source(digest, partial(self._store.blobs.open, layer)))

    def repositories(self) -> list[str]:
        """Return every repository that has a tag, in the order of names."""
        known = self._store.images.all_references().values()
        tagged = (one for references in known for one in references if one.tag)
        return sorted(set(filter(None, map(self._names.repository_of, tagged))))

    def detail(self, name: str) -> RepositoryDetail | None:
        """Return what people want to know of a repository; None when it has gone."""
        try:
            tags = self.tags(name)
        except RepositoryUnknownError:
            return None
        images = {image.id: image for image in tags.values()}.values()
        sizes = {blob: size for image in images for blob, size in _blobs(image).items()}
        updated = max((image.stored_at for image in images), default=0) / 1e9
        return RepositoryDetail(name, len(tags), sum(sizes.values()), updated)

    def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return what people want to know of `limit` tags behind `after`; raises as `tags`."""
        wanted = [(tag, image) for tag, image in self.tags(name).items() if tag > after][:limit]
        return [self._tag_detail(tag, image) for tag, image in wanted]

    def _tag_detail(self, tag: str, image: Image) -> TagDetail:
        manifest = self._manifest(image)
        size = len(manifest.body) + sum(_blobs(image).values())
        platform = format_platform(platform_of(image.config))
        return TagDetail(
            tag, manifest.digest, manifest.media_type, size, image.stored_at / 1e9, (platform,)
        )


def _blobs(image: Image) -> dict[Digest, int]:
    layers = {layer.descriptor.digest: layer.descriptor.size for layer in image.layers}
    return {image.id: len(image.config_bytes), **layers}


def _source(digest: Digest, open_: Callable[[], BinaryIO]) -> LocalFile:
    def opened() -> BinaryIO:
        try:
            return open_()
        except NotFoundError:
            raise ObjectNotFoundError(Key(digest)) from None

    return LocalFile(opened)
