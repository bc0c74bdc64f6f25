"""The port of the registry's HTTP side, over the engine's images.

Readers see what is named: the manifests of a repository and their blobs, and nothing else that the
engine has. Whoever pushes also sees what was pushed to the repository and has no manifest yet.
`everything` is for callers of this machine, who may have the engine push and tag whatever it has:
a blob that is here need not be sent again.

Tags are names of the engine: deleting one is what `docker rmi` does, and refuses what that refuses.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Final

from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError, UnavailableError
from wherry.base.values import dataclass
from wherry.engine.events import Events
from wherry.engine.images.remove import RemoveImage
from wherry.engine.registry.contents import Contents
from wherry.engine.registry.manifests import TakeManifest
from wherry.engine.registry.names import Names
from wherry.engine.registry.received import NO_REPOSITORY, Received
from wherry.engine.registry.uploads import Uploads
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.oci.reference import DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN, Reference
from wherry.registry.server.backend import (
    Blob,
    BlobUnknownError,
    ImmutableError,
    PutManifest,
    RepositoryDetail,
    StoredManifest,
    TagDetail,
    Visible,
)
from wherry.store.images import ImageNotFoundError
from wherry.store.store import Store

_HUBS: Final = dict.fromkeys(("registry-1.docker.io", LEGACY_DEFAULT_DOMAIN), DEFAULT_DOMAIN)


@dataclass(slots=True)
class EngineBackend:
    """A `Backend`; see the module."""

    store: Store
    names: Names
    contents: Contents
    received: Received
    uploads: Uploads
    take: TakeManifest
    remove: RemoveImage
    everything: bool = False

    def name_for(self, ns: str, name: str) -> str | None:
        """Return the repository of an image of another registry, for clients with mirrors."""
        return self.names.repository_of(Reference(_HUBS.get(ns, ns), name))

    async def manifest(self, name: str, reference: str) -> StoredManifest:
        """Return a manifest by tag or digest."""
        return await in_thread(self.contents.manifest, name, reference)

    async def put_manifest(
        self,
        name: str,
        reference: str,
        media_type: str,
        body: bytes,
        by: str,  # noqa: ARG002 - the engine's events do not say it
    ) -> PutManifest:
        """Make an image of a manifest and name it."""
        everything = self.everything
        return PutManifest(
            await self.take(name, reference, media_type, body, everything=everything)
        )

    async def delete_manifest(self, name: str, digest: Digest, by: str) -> None:  # noqa: ARG002
        """Remove every own name that leads to a manifest."""

        def leading() -> list[Reference]:
            self.contents.manifest(name, digest)
            return [
                reference
                for reference in self.contents.references(name)
                if self.names.is_own(reference) and self.contents.leads_to(reference, digest)
            ]

        await self._untag(name, str(digest), await in_thread(leading))

    async def delete_tag(self, name: str, tag: str, by: str) -> None:  # noqa: ARG002
        """Remove the own names that a tag is."""

        def leading() -> list[Reference]:
            self.contents.manifest(name, tag)
            references = self.contents.references(name)
            return [one for one in references if one.tag == tag and self.names.is_own(one)]

        await self._untag(name, tag, await in_thread(leading))

    async def _untag(self, name: str, wanted: str, references: list[Reference]) -> None:
        if not references:
            raise ImmutableError(
                f"{name}: {wanted} was not pushed here: it is a name that the engine's user gave,"
                " to be removed with `docker rmi` or `wherry rmi`"
            )
        for reference in references:
            try:
                # A name by digest may have gone with the last tag.
                with contextlib.suppress(ImageNotFoundError):
                    await self.remove(reference.canonical, force=False, prune=True)
            except ConflictError as error:
                raise ImmutableError(str(error)) from error

    async def tags(self, name: str, after: str, limit: int) -> list[str]:
        """Return tags in their order."""
        found = await in_thread(self.contents.tags, name)
        return [tag for tag in found if tag > after][:limit]

    async def referrers(self, name: str, digest: Digest) -> list[Descriptor]:  # noqa: ARG002
        """Return nothing: what refers to images is no image, and is not kept here."""
        return []

    async def blob(self, name: str, digest: Digest) -> Blob:
        """Return a blob of a repository's images, or one that was pushed to it."""
        if found := await in_thread(self.contents.blob, name, digest):
            return found
        given = self.everything or self.received.has(name, digest)
        if given and (found := await self._hold(name, digest)):
            return found
        raise BlobUnknownError(digest)

    async def _hold(self, name: str, digest: Digest) -> Blob | None:
        """Keep what the engine has for the manifest that will name it."""
        if await in_thread(self.contents.anywhere, digest) is None:
            return None
        # What is here for this machine's programs is not a repository's yet.
        await self.received.hold(NO_REPOSITORY if self.everything else name, digest)
        # Before it was held, it could be collected.
        return await in_thread(self.contents.anywhere, digest)

    async def delete_blob(self, name: str, digest: Digest, by: str) -> None:  # noqa: ARG002
        """Take a blob out of a repository that no manifest there needs."""
        if await in_thread(self.contents.blob, name, digest):
            raise ImmutableError(f"{digest} is a part of an image: delete its manifest")
        if not self.received.has(name, digest):
            raise BlobUnknownError(digest)
        await self.received.drop(name, digest)

    async def mount(self, name: str, digest: Digest, source: str | None) -> bool:
        """Let a repository have a blob of another; without `source`, of any for `everything`."""
        if source is not None and not self.everything:
            here = self.received.has(source, digest)
            if not here and await in_thread(self.contents.blob, source, digest) is None:
                return False
        elif not self.everything:
            return False
        return await self._hold(name, digest) is not None

    async def begin_upload(self, name: str) -> str:
        """Begin an upload; raises RepositoryNameError for what no reference can be."""
        self.names.pushed(name)
        return self.uploads.begin(name)

    async def upload_size(self, name: str, upload: str) -> int:
        """Return how many bytes an upload has."""
        return self.uploads.size(name, upload)

    async def write_upload(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        """Add bytes."""
        return await self.uploads.write(name, upload, start, chunks)

    async def finish_upload(
        self,
        name: str,
        upload: str,
        digest: Digest,
        start: int | None,
        chunks: AsyncIterator[bytes],
    ) -> int:
        """Add the last bytes, verify, and let the repository have the blob."""
        return await self.uploads.finish(name, upload, digest, start, chunks)

    async def cancel_upload(self, name: str, upload: str) -> None:
        """Forget an upload."""
        await self.uploads.cancel(name, upload)

    async def repositories(self, after: str, limit: int, visible: Visible) -> list[str]:
        """Return names in their order."""
        found = await in_thread(self.contents.repositories)
        return [name for name in found if name > after and visible(name)][:limit]

    async def search(self, text: str, limit: int, visible: Visible) -> list[RepositoryDetail]:
        """Return repositories whose name has `text`."""
        found = await in_thread(self.contents.repositories)
        names = [name for name in found if text in name and visible(name)][:limit]
        details = await in_thread(lambda: [self.contents.detail(name) for name in names])
        return [detail for detail in details if detail is not None]

    async def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return tags with what people want to know of them."""
        return await in_thread(self.contents.tag_details, name, after, limit)

    async def close(self) -> None:
        """Forget what was pushed and never became an image; nobody may ask any more."""
        await in_thread(self.uploads.close)
        await self.received.close()

    async def check(self) -> None:
        """Raise UnavailableError unless images can be read and stored."""
        await in_thread(self._check)

    def _check(self) -> None:
        self.store.metadata.database.row("SELECT 1")
        partials = self.store.layout.partials
        if not os.access(partials, os.W_OK):
            raise UnavailableError(f"{partials} cannot be written to: look at its file system")


def engine_backend(
    store: Store, names: Names, events: Events, remove: RemoveImage
) -> EngineBackend:
    """Return the backend that strangers see; belongs to the running loop."""
    contents, received = Contents(store, names), Received(store)
    take = TakeManifest(store, contents, received, names, events)
    uploads = Uploads(store, received)
    return EngineBackend(store, names, contents, received, uploads, take, remove)
