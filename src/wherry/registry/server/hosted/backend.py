"""The backend of a registry that keeps images: the catalog says where, the blob driver has them.

It holds nothing that another process does not have too, but for two helps: bodies of manifests, and
hashes of uploads that are under way. A change counts when the catalog's transaction does.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from wherry.base.crossing import in_thread
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.registry.blobdrivers.driver import BlobDriver
from wherry.registry.server.backend import (
    Blob,
    BlobUnknownError,
    PutManifest,
    RepositoryDetail,
    StoredManifest,
    TagDetail,
    Visible,
)
from wherry.registry.server.catalog.catalog import Catalog
from wherry.registry.server.hosted.immutable import ImmutableTags
from wherry.registry.server.hosted.manifests import Manifests
from wherry.registry.server.hosted.uploads import UploadBounds, Uploads
from wherry.registry.server.settings import Settings

# A blob that is asked for is written down as such once in this part of the grace, so that those
# that everybody pulls do not cost a transaction each time.
_TOUCHES_IN_GRACE = 4


class HostedBackend:
    """`Backend` and `KeepingBackend` over a catalog and a blob driver; the caller closes both.

    `clock` is in seconds since the epoch, like the catalog's times.
    """

    def __init__(
        self,
        catalog: Catalog,
        driver: BlobDriver,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        limits, collection = settings.limits, settings.collection
        immutable = ImmutableTags(settings.access.rules)
        bounds = UploadBounds(limits.blob_bytes, collection.uploads)
        self._catalog = catalog
        self._driver = driver
        self._clock = clock
        self._stale = collection.grace / _TOUCHES_IN_GRACE
        self._manifests = Manifests(catalog, driver, immutable, limits.manifest_bytes)
        self._uploads = Uploads(catalog, driver, bounds, clock)

    # manifests and tags

    async def manifest(self, name: str, reference: str) -> StoredManifest:
        """Return a manifest by tag or digest."""
        return await self._manifests.get(name, reference)

    async def put_manifest(
        self, name: str, reference: str, media_type: str, body: bytes, by: str
    ) -> PutManifest:
        """Store a manifest under a tag or its digest."""
        return await self._manifests.put(name, reference, media_type, body, by, self._clock())

    async def keep_manifest(self, name: str, tag: str, manifest: StoredManifest) -> None:
        """Store the copy of another registry's manifest."""
        await self._manifests.keep(name, tag, manifest, self._clock())

    async def delete_manifest(self, name: str, digest: Digest, by: str) -> None:
        """Delete a manifest and the tags that lead to it."""
        await self._manifests.delete(name, digest, by, self._clock())

    async def delete_tag(self, name: str, tag: str, by: str) -> None:
        """Delete a tag and nothing else."""
        await self._manifests.delete_tag(name, tag, by, self._clock())

    async def tags(self, name: str, after: str, limit: int) -> list[str]:
        """Return tags in the order of their bytes."""
        return await self._catalog.tags(name, after, limit)

    async def referrers(self, name: str, digest: Digest) -> list[Descriptor]:
        """Return descriptors of manifests whose subject this is."""
        return await self._catalog.referrers(name, digest)

    # blobs

    async def blob(self, name: str, digest: Digest) -> Blob:
        """Return a blob, and keep it from collection for a while."""
        row = await self._catalog.blob(name, digest)
        if row is None:
            raise BlobUnknownError(digest)
        now = self._clock()
        stale = self._stale and now - row.touched > self._stale
        if stale and not await self._catalog.touch(name, digest, now):
            raise BlobUnknownError(digest)
        return Blob(digest, row.size, self._driver.source(row.key))

    async def delete_blob(self, name: str, digest: Digest, by: str) -> None:  # noqa: ARG002
        """Take a blob out of a repository; there is no event of it, so nobody to name."""
        await self._catalog.delete_blob(name, digest)

    async def mount(self, name: str, digest: Digest, source: str | None) -> bool:
        """Let a repository have a blob that another has."""
        return await self._catalog.mount(name, digest, source, self._clock())

    async def begin_upload(self, name: str) -> str:
        """Begin an upload and return its id."""
        return await self._uploads.begin(name)

    async def upload_size(self, name: str, upload: str) -> int:
        """Return how many bytes an upload has."""
        return await self._uploads.size(name, upload)

    async def write_upload(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        """Add bytes and return how many the upload has then."""
        return await self._uploads.write(name, upload, start, chunks)

    async def finish_upload(
        self,
        name: str,
        upload: str,
        digest: Digest,
        start: int | None,
        chunks: AsyncIterator[bytes],
    ) -> int:
        """End an upload: the repository has the blob then."""
        return await self._uploads.finish(name, upload, digest, start, chunks)

    async def cancel_upload(self, name: str, upload: str) -> None:
        """Forget an upload."""
        await self._uploads.cancel(name, upload)

    # for people

    async def repositories(self, after: str, limit: int, visible: Visible) -> list[str]:
        """Return names in the order of their bytes."""
        return await self._catalog.repositories(after, limit, visible)

    async def search(self, text: str, limit: int, visible: Visible) -> list[RepositoryDetail]:
        """Return repositories whose name has `text`."""
        return await self._catalog.search(text, limit, visible)

    async def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return tags with what people want to know of them."""
        return await self._catalog.tag_details(name, after, limit)

    async def check(self) -> None:
        """Raise UnavailableError unless catalog and driver answer."""
        await self._catalog.check()
        await in_thread(self._driver.check)
