"""Push an image: its layers, its configuration, and last its manifest, which names all of them.

Layers that are plain archives, as commit and build make them, are compressed first, and the image
remembers the compressed ones: the next push, and every pull, has the same digests. The registry of
this engine itself takes them as they are: it has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import NotFoundError
from wherry.base.values import dataclass, field
from wherry.engine.events import Events
from wherry.engine.images.slots import Slots
from wherry.engine.images.transfer import Meter, Progress, TransferStep, short, together
from wherry.engine.settings import TransferSettings
from wherry.oci.digest import Digest
from wherry.oci.image import DOCKER_LAYER, OCI_LAYER, OCI_LAYER_GZIP, Descriptor
from wherry.oci.reference import Reference, parse_reference
from wherry.registry.client import RegistryClient, Repository
from wherry.store.images import Image, ImageLayer
from wherry.store.layers.compression import compress
from wherry.store.lease import Lease, lease
from wherry.store.manifests import manifest_of
from wherry.store.store import Store
from wherry.wire.requests import AuthConfig

_PLAIN: Final = frozenset({OCI_LAYER, DOCKER_LAYER})
_MOUNTS_TRIED: Final = 3


@dataclass(slots=True)
class PushImage:
    """The verb; see the module."""

    store: Store
    client: RegistryClient
    events: Events
    is_own: Callable[[Reference], bool] = lambda _: False
    slots: Slots = field(default_factory=lambda: Slots(TransferSettings().uploads))

    async def __call__(
        self, text: str, *, credentials: AuthConfig | None, progress: Progress
    ) -> None:
        """Push a tag, or every tag of a repository when none is given."""
        named = parse_reference(text)
        chosen = await in_thread(self._chosen, named)
        repository = await self.client.repository(named, credentials, push=True)
        progress(TransferStep("", f"The push refers to repository [{named.repository}]"))
        for reference, image_id in chosen:
            await self._push(repository, reference, image_id, progress)

    def _chosen(self, named: Reference) -> list[tuple[Reference, Digest]]:
        known = self.store.images.all_references().items()
        found = [
            (reference, image_id)
            for image_id, references in known
            for reference in references
            if reference.repository == named.repository
            and reference.tag
            and named.tag in (None, reference.tag)
        ]
        if not found:
            shown = named.familiar_name if named.tag is None else named.familiar
            raise NotFoundError(f"An image does not exist locally with the tag: {shown}")
        return found

    async def _push(
        self, repository: Repository, reference: Reference, image_id: Digest, progress: Progress
    ) -> None:
        image = await in_thread(self.store.images.get, image_id)
        with lease(self.store, "push") as held:
            own = self.is_own(reference)
            if not own:
                image = await self._compressed(image, held)
            for layer in image.layers:
                progress(TransferStep(short(layer.descriptor.digest), "Preparing"))
            await self._push_layers(repository, reference, image, progress)
            config = Digest(image.id)
            size = len(image.config_bytes)
            if not await repository.has_blob(config):
                await repository.upload(
                    config, size, lambda: self.store.content.open(config), lambda _: None
                )
            described, body = await in_thread(manifest_of, image, self.store.content)
            pushed = await repository.put_manifest(reference.tag or "", described.media_type, body)
            if not own:
                await in_thread(self._remember, image, described, body)
            await in_thread(
                self.store.images.tag, reference.with_digest(described.digest), image.id
            )
        progress(TransferStep("", f"{reference.tag}: digest: {pushed} size: {len(body)}"))
        attributes = {"name": reference.familiar_name}
        self.events.emit("image", "push", reference.familiar, attributes)

    def _remember(self, image: Image, described: Descriptor, body: bytes) -> None:
        self.store.content.put(body)
        self.store.images.put(image.config_bytes, image.layers, described, image.parent)

    async def _compressed(self, image: Image, held: Lease) -> Image:
        if not any(layer.descriptor.media_type in _PLAIN for layer in image.layers):
            return image
        if image.manifest is not None and image.manifest.media_type:
            # The manifest names the plain layers: whoever gave it wants them like that.
            return image
        layers = [await to_the_end(self._compress, layer, held) for layer in image.layers]
        return dataclasses.replace(image, layers=tuple(layers), manifest=None)

    def _compress(self, layer: ImageLayer, held: Lease) -> ImageLayer:
        if layer.descriptor.media_type not in _PLAIN:
            return layer
        with self.store.content.writer() as writer:
            compress(partial(self.store.blobs.write, layer), writer)
            digest, size = writer.digest, writer.offset
            held.hold(digest)
            if not self.store.content.has(digest):
                writer.commit()
        return ImageLayer(Descriptor(OCI_LAYER_GZIP, digest, size), layer.diff_id)

    async def _push_layers(
        self, repository: Repository, reference: Reference, image: Image, progress: Progress
    ) -> None:
        layers = {layer.descriptor.digest: layer for layer in image.layers}.values()
        await together(self._push_layer(repository, reference, layer, progress) for layer in layers)

    async def _push_layer(
        self,
        repository: Repository,
        reference: Reference,
        layer: ImageLayer,
        progress: Progress,
    ) -> None:
        blob = layer.descriptor
        name = short(blob.digest)
        async with self.slots:
            if await repository.has_blob(blob.digest):
                progress(TransferStep(name, "Layer already exists"))
                return
            for source in await in_thread(self._elsewhere, reference, blob.digest):
                if await repository.mount(blob.digest, source):
                    progress(TransferStep(name, f"Mounted from {source}"))
                    return
            meter = Meter(progress, name, "Pushing", blob.size)
            await repository.upload(
                blob.digest, blob.size, partial(self.store.blobs.open, layer), meter
            )
        progress(TransferStep(name, "Pushed"))

    def _elsewhere(self, reference: Reference, digest: Digest) -> Sequence[str]:
        """Return repositories of the same registry that are known to have had a blob."""
        found: list[str] = []
        for image_id, references in self.store.images.all_references().items():
            if not any(
                one.descriptor.digest == digest for one in self.store.images.get(image_id).layers
            ):
                continue
            found += [
                other.path
                for other in references
                # A digest is known only of what was pulled or pushed there.
                if other.digest
                and other.domain == reference.domain
                and other.path != reference.path
            ]
        return list(dict.fromkeys(found))[:_MOUNTS_TRIED]
