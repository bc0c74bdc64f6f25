"""Pull an image: manifest, configuration, then all layers at once, each unpacked when it is here.

Blobs are verified while they are written, and a blob that was cut short is gone on with the next
time, or fetched anew when what was kept of it turns out to be spoilt. The image gets its names only
when everything of it is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Callable

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import DataLossError, InvalidError, NotFoundError
from wherry.base.values import dataclass, field
from wherry.engine.events import Events
from wherry.engine.images.arrived import (
    arriving,
    decoded,
    is_known,
    layers_of,
    put_arrived,
    read_manifest,
    unpack,
)
from wherry.engine.images.slots import Slots
from wherry.engine.images.transfer import Meter, Progress, TransferStep, short, together
from wherry.engine.settings import TransferSettings
from wherry.oci.digest import Digest
from wherry.oci.image import INDEX_TYPES, MANIFEST_TYPES, Descriptor, Index, Platform
from wherry.oci.platform import (
    choose,
    format_platform,
    host_platform,
    parse_platform,
    platform_of,
    rank,
)
from wherry.oci.reference import Reference, parse_reference
from wherry.registry.client import FetchedManifest, RegistryClient, Repository
from wherry.store.content.writer import BlobMismatchError, BlobWriter
from wherry.store.images import Image, ImageLayer, ImageNotFoundError
from wherry.store.lease import Lease
from wherry.store.store import Store
from wherry.wire.requests import AuthConfig

log = logging.getLogger(__name__)


class NoMatchingManifestError(NotFoundError):
    """The image exists, but not for the platform that was asked for."""


@dataclass(slots=True)
class PullImage:
    """The verb; see the module."""

    store: Store
    client: RegistryClient
    events: Events
    slots: Slots = field(default_factory=lambda: Slots(TransferSettings().downloads))
    # Each lock is there for as long as somebody holds it or waits for it.
    _fetching: weakref.WeakValueDictionary[Digest, asyncio.Lock] = field(
        default_factory=weakref.WeakValueDictionary
    )

    async def __call__(
        self,
        text: str,
        *,
        platform: str | None,
        credentials: AuthConfig | None,
        progress: Progress,
    ) -> None:
        """Pull a tag or a digest, or every tag of a repository when neither is given.

        Raises what the registry said, in docker's words; the tags before that one stay.
        """
        named = parse_reference(text)
        wanted = parse_platform(platform) if platform else host_platform()
        repository = await self.client.repository(named, credentials)
        references = [named]
        if not (named.tag or named.digest):
            references = [named.with_tag(tag) for tag in await repository.tags()]
        new = False
        for reference in references:
            changed = await self._pull(
                repository, reference, wanted, progress, explicit=bool(platform)
            )
            new = new or changed
        said = "Downloaded newer image for" if new else "Image is up to date for"
        progress(TransferStep("", f"Status: {said} {named.familiar}"))
        self.events.emit("image", "pull", named.familiar, {"name": named.familiar_name})

    async def _pull(
        self,
        repository: Repository,
        reference: Reference,
        wanted: Platform,
        progress: Progress,
        *,
        explicit: bool,
    ) -> bool:
        """Pull one tag or digest; returns whether it names another image now."""
        name = reference.digest or reference.tag or ""
        top = await repository.manifest(name)
        progress(TransferStep(name, f"Pulling from {reference.path}"))
        manifest = await self._for_platform(repository, top, wanted, explicit=explicit)
        before = await in_thread(self._present, reference)
        async with arriving(self.store, "pull") as held:
            image = await self._fetch(repository, manifest, progress, held)
            if explicit:
                _require_platform(image, wanted, reference)
            await in_thread(self._name, reference, top.digest, image)
        progress(TransferStep("", f"Digest: {top.digest}"))
        return before != image.id

    def _present(self, reference: Reference) -> Digest | None:
        try:
            return self.store.images.resolve(reference.canonical).id
        except ImageNotFoundError:
            return None

    async def _for_platform(
        self, repository: Repository, top: FetchedManifest, wanted: Platform, *, explicit: bool
    ) -> FetchedManifest:
        if top.media_type not in INDEX_TYPES:
            if top.media_type not in MANIFEST_TYPES:
                raise InvalidError(
                    f"unsupported manifest format {top.media_type}: it must be an OCI image or"
                    " Docker schema 2"
                )
            return top
        index = decoded(top.body, Index, "index")
        chosen = choose(index.manifests, wanted)
        if chosen is None:
            shown = format_platform(wanted)
            hint = "" if explicit else ": --platform chooses another"
            raise NoMatchingManifestError(
                f"no matching manifest for {shown} in the manifest list entries{hint}"
            )
        found = await repository.manifest(chosen.digest)
        if found.media_type not in MANIFEST_TYPES:
            raise InvalidError(f"unsupported manifest format {found.media_type}")
        return found

    async def _fetch(
        self,
        repository: Repository,
        manifest: FetchedManifest,
        progress: Progress,
        held: Lease,
    ) -> Image:
        told = read_manifest(manifest.body)
        await in_thread(held.hold, manifest.digest, told.config.digest)
        await self._fetch_blob(repository, told.config, _silent)
        config_bytes = await in_thread(self.store.content.read, told.config.digest)
        layers = layers_of(told, config_bytes)
        resources = [r for one in layers for r in (one.descriptor.digest, one.diff_id)]
        await in_thread(held.hold, *resources)
        await self._fetch_layers(repository, layers, progress)
        described = Descriptor(manifest.media_type, manifest.digest, len(manifest.body))
        return await in_thread(
            put_arrived, self.store, config_bytes, layers, described, manifest.body
        )

    async def _fetch_layers(
        self, repository: Repository, layers: list[ImageLayer], progress: Progress
    ) -> None:
        here = await in_thread(lambda: [self._has(layer) for layer in layers])
        missing = [layer for layer, found in zip(layers, here, strict=True) if not found]
        # Nothing is told of layers where all are here, as docker's users know it.
        for layer, found in zip(layers, here, strict=True) if missing else ():
            status = "Already exists" if found else "Pulling fs layer"
            progress(TransferStep(short(layer.descriptor.digest), status))
        await together(self._fetch_layer(repository, layer, progress) for layer in missing)

    async def _fetch_layer(
        self,
        repository: Repository,
        layer: ImageLayer,
        progress: Progress,
    ) -> None:
        blob, name = layer.descriptor, short(layer.descriptor.digest)
        async with self.slots:
            await self._fetch_blob(
                repository, blob, Meter(progress, name, "Downloading", blob.size)
            )
        progress(TransferStep(name, "Download complete"))
        meter = Meter(progress, name, "Extracting", blob.size)
        await to_the_end(unpack, self.store, layer, meter)
        progress(TransferStep(name, "Pull complete"))

    def _has(self, layer: ImageLayer) -> bool:
        """Tell whether there is nothing to do; a blob that can be made again need not be here."""
        if not self.store.layers.has(layer.diff_id):
            return False
        return self.store.content.has(layer.descriptor.digest) or is_known(self.store, layer)

    async def _fetch_blob(
        self, repository: Repository, blob: Descriptor, meter: Callable[[int], None]
    ) -> None:
        """Bring a blob into the store; two pulls of one blob take it in turns."""
        async with self._fetching.setdefault(blob.digest, asyncio.Lock()):
            if not await in_thread(self.store.content.has, blob.digest):
                await self._write_blob(repository, blob, meter)

    async def _write_blob(
        self, repository: Repository, blob: Descriptor, meter: Callable[[int], None]
    ) -> None:
        # Nobody else may have the file while a thread is writing into it.
        with contextlib.ExitStack() as stack:
            writer = await to_the_end(self._writer, blob, stack)
            kept = writer.offset

            async def sink(chunk: bytes) -> None:
                await to_the_end(writer.write, chunk)
                meter(writer.offset)

            await repository.fetch(blob, sink, kept)
            try:
                await to_the_end(writer.commit)
            except BlobMismatchError as error:
                if kept == 0:
                    raise DataLossError(
                        f"filesystem layer verification failed for digest {blob.digest}: {error}"
                    ) from error
            else:
                return
        # What an earlier pull left is not brought to the disk before its blob is whole, so a power
        # cut can leave a hole in it; the writer has removed it.
        log.info("%s: the %d bytes kept of it were spoilt: fetching it anew", blob.digest, kept)
        await self._write_blob(repository, blob, meter)

    def _writer(self, blob: Descriptor, stack: contextlib.ExitStack) -> BlobWriter:
        return stack.enter_context(self.store.content.writer(expected=blob.digest, size=blob.size))

    def _name(self, reference: Reference, digest: Digest, image: Image) -> None:
        if reference.tag:
            self.store.images.tag(reference.with_tag(reference.tag), image.id)
        self.store.images.tag(reference.with_digest(digest), image.id)


def _silent(_: int) -> None:
    """Report nothing: a configuration is too small to be watched."""


def _require_platform(image: Image, wanted: Platform, reference: Reference) -> None:
    offered = platform_of(image.config)
    if rank(offered, wanted) is None:
        raise NoMatchingManifestError(
            f"image with reference {reference.familiar} was found but its platform"
            f" ({format_platform(offered)}) does not match the specified platform"
            f" ({format_platform(wanted)})"
        )
