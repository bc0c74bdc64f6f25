"""A manifest that is put becomes an image: its layers are unpacked, and it gets its name.

It is what a pull does once the blobs are here, with one more care. A pusher says which blob is
which layer, and where the layer is here already nobody would unpack the blob to see. So a pair of
blob and layer that no image has yet is verified: no image gets blobs that are not its own.
"""

from __future__ import annotations

import asyncio
from typing import Final

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import InvalidError, NotFoundError
from wherry.base.values import dataclass
from wherry.engine.events import Events
from wherry.engine.images.arrived import (
    arriving,
    is_known,
    layers_of,
    put_arrived,
    read_manifest,
    unpack,
)
from wherry.engine.images.transfer import together
from wherry.engine.registry.contents import Contents
from wherry.engine.registry.names import Names
from wherry.engine.registry.received import Received
from wherry.oci.digest import Digest, algorithm_of, digest_bytes, parse_digest
from wherry.oci.image import DOCKER_CONFIG, MANIFEST_TYPES, OCI_CONFIG, Descriptor, Manifest
from wherry.registry.server.backend import (
    DigestMismatchError,
    ManifestBlobUnknownError,
    ManifestInvalidError,
    StoredManifest,
)
from wherry.registry.server.hosted.understand import understand
from wherry.store.errors import CorruptContentError
from wherry.store.images import Image, ImageLayer
from wherry.store.layers.compression import Hashed, decompressed
from wherry.store.lease import Lease
from wherry.store.store import RECEIVED, Store

_AT_ONCE: Final = 3
_CONFIG_TYPES: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})


class NotAnImageError(ManifestInvalidError):
    """MANIFEST_INVALID: an index or an artifact, which a registry could keep, but no engine."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"{kind} is not an image of one platform, and an engine keeps nothing else: push such"
            " an image, or push to `wherry registry serve`"
        )


@dataclass(slots=True)
class TakeManifest:
    """The verb; see the module."""

    store: Store
    contents: Contents
    received: Received
    names: Names
    events: Events

    async def __call__(
        self, name: str, reference: str, media_type: str, body: bytes, *, everything: bool
    ) -> Digest:
        """Make an image of a manifest, name it by tag or digest, and return the digest.

        `everything`: blobs count that the engine has, whatever names them. Raises as
        `Backend.put_manifest`.
        """
        target = self.names.pushed(name)
        digest = _require_digest(reference, body)
        manifest = understand(media_type, body, digest).entry.manifest
        told = _image_manifest(manifest)
        blobs = list(dict.fromkeys([told.config.digest, *(one.digest for one in told.layers)]))
        async with arriving(self.store, RECEIVED) as held:
            await in_thread(held.hold, digest, *blobs)
            await self._require(name, blobs, everything=everything)
            image = await self._make(manifest, told, held)
            await in_thread(self.store.images.tag, target.with_digest(digest), image.id)
            if ":" not in reference:
                tagged = target.with_tag(reference)
                await in_thread(self.store.images.tag, tagged, image.id)
                self.events.emit("image", "tag", image.id, {"name": tagged.familiar})
        await self.received.claimed(name, blobs)
        return digest

    async def _require(self, name: str, blobs: list[Digest], *, everything: bool) -> None:
        given = {one for one in blobs if everything or self.received.has(name, one)}

        def missing() -> list[Digest]:
            return [
                one
                for one in blobs
                if self.contents.blob(name, one) is None
                and (one not in given or self.contents.anywhere(one) is None)
            ]

        if absent := await in_thread(missing):
            raise ManifestBlobUnknownError(absent)

    async def _make(self, manifest: StoredManifest, told: Manifest, held: Lease) -> Image:
        try:
            config = await in_thread(self.store.content.read, told.config.digest)
            layers = layers_of(told, config)
            await in_thread(held.hold, *(layer.diff_id for layer in layers))
            slots = asyncio.Semaphore(_AT_ONCE)
            different = {layer.diff_id: layer for layer in layers}.values()
            await together(self._unpack(layer, slots) for layer in different)
        except (InvalidError, NotFoundError, CorruptContentError) as error:
            raise ManifestInvalidError(str(error)) from error
        described = Descriptor(manifest.media_type, manifest.digest, len(manifest.body))
        return await in_thread(put_arrived, self.store, config, layers, described, manifest.body)

    async def _unpack(self, layer: ImageLayer, slots: asyncio.Semaphore) -> None:
        async with slots:
            await to_the_end(_unpacked, self.store, layer)


def _require_digest(reference: str, body: bytes) -> Digest:
    digest = digest_bytes(body)
    if ":" in reference:
        wanted = parse_digest(reference.rpartition("@")[2])
        if algorithm_of(wanted) != algorithm_of(digest):
            raise ManifestInvalidError(f"{wanted}: an engine names manifests by sha256")
        if wanted != digest:
            raise DigestMismatchError(wanted, digest)
    return digest


def _image_manifest(manifest: StoredManifest) -> Manifest:
    if manifest.media_type not in MANIFEST_TYPES:
        raise NotAnImageError(manifest.media_type)
    try:
        told = read_manifest(manifest.body)
    except InvalidError as error:
        raise ManifestInvalidError(str(error)) from error
    if told.config.media_type not in _CONFIG_TYPES:
        raise NotAnImageError(told.artifact_type or told.config.media_type)
    return told


def _unpacked(store: Store, layer: ImageLayer) -> None:
    """See to it that a layer is here, and that its blob is its blob; blocking."""
    blob = layer.descriptor
    size = store.blobs.size(layer)
    if size != blob.size:
        raise ManifestInvalidError(f"{blob.digest} has {size} bytes, not {blob.size}")
    if not store.layers.has(layer.diff_id):
        unpack(store, layer)
    elif blob.digest != layer.diff_id and not is_known(store, layer):
        with store.content.open(blob.digest) as source:
            plain = Hashed(decompressed(source))
            plain.drain()
        if plain.digest() != layer.diff_id:
            raise ManifestInvalidError(f"{blob.digest} is not layer {layer.diff_id}")
