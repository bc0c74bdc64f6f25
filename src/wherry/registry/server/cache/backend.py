"""The backend with caches: names below their prefixes are their upstreams', the rest is our own.

A cached repository cannot be pushed to: what it has would depend on who asked first. Deleting is
allowed, for it frees the copy; whoever asks for it next has it fetched again. Tags and referrers
are those of the upstream, and what is kept while it is away; lists for people show what is kept.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence

from wherry.base.errors import NotFoundError
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.registry.client.settings import Limits
from wherry.registry.server.backend import (
    Blob,
    ImmutableError,
    KeepingBackend,
    PutManifest,
    RepositoryDetail,
    RepositoryUnknownError,
    StoredManifest,
    TagDetail,
    Visible,
)
from wherry.registry.server.cache.blobs import Blobs
from wherry.registry.server.cache.manifests import Manifests
from wherry.registry.server.cache.place import Place
from wherry.registry.server.cache.routes import Routes
from wherry.registry.server.cache.upstream import (
    LIMITS,
    NotUpstreamError,
    Upstream,
    UpstreamAwayError,
    UpstreamFaultError,
)
from wherry.registry.server.settings import Cache


class CachingBackend:
    """Implements `Backend`; belongs to one event loop. `own` is the caller's to close.

    `clock` counts seconds from anywhere, and never back. Raises InvalidUpstreamError.
    """

    def __init__(
        self,
        own: KeepingBackend,
        caches: Sequence[Cache],
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = LIMITS,
    ) -> None:
        self._own = own
        self._caches = caches
        self._routes = Routes(caches)
        self._upstreams = [Upstream(cache, clock, limits) for cache in caches]
        self._manifests = Manifests(own, clock)
        self._blobs = Blobs(own)

    async def close(self) -> None:
        """Break off what is being fetched, and close the connections to the upstreams."""
        await self._manifests.close()
        await self._blobs.close()
        for upstream in self._upstreams:
            await upstream.close()

    def name_for(self, ns: str, name: str) -> str | None:
        """Return the repository here that has what `name` is in the registry `ns`, a host.

        containerd asks its mirrors so, by `ns=`. None when no cache has that upstream.
        """
        return self._routes.name_for(ns, name)

    def _place(self, name: str) -> Place | None:
        found = self._routes.find(name)
        if found is None:
            return None
        number, path = found
        return Place(self._upstreams[number], path, name, self._caches[number].refresh)

    def _refuse(self, name: str) -> None:
        """Raise ImmutableError when a repository is not ours to write to."""
        place = self._place(name)
        if place is not None:
            host = place.upstream.host
            raise ImmutableError(
                f"{name} is a cache of {place.path} at {host}: push there, or to another name"
            )

    # manifests and tags

    async def manifest(self, name: str, reference: str) -> StoredManifest:
        """Return a manifest by tag or digest."""
        place = self._place(name)
        if place is None:
            return await self._own.manifest(name, reference)
        return await self._manifests.get(place, reference)

    async def put_manifest(
        self, name: str, reference: str, media_type: str, body: bytes, by: str
    ) -> PutManifest:
        """Store a manifest, unless it is a cache's repository."""
        self._refuse(name)
        return await self._own.put_manifest(name, reference, media_type, body, by)

    async def delete_manifest(self, name: str, digest: Digest, by: str) -> None:
        """Delete a manifest; of a cache, the copy."""
        await self._own.delete_manifest(name, digest, by)

    async def delete_tag(self, name: str, tag: str, by: str) -> None:
        """Delete a tag; of a cache, the copy."""
        await self._own.delete_tag(name, tag, by)

    async def tags(self, name: str, after: str, limit: int) -> list[str]:
        """Return tags in the order of their bytes."""
        place = self._place(name)
        if place is None:
            return await self._own.tags(name, after, limit)
        try:
            return await place.upstream.tags(place.path, after, limit)
        except NotUpstreamError:
            raise RepositoryUnknownError(name) from None
        except (UpstreamAwayError, UpstreamFaultError) as error:
            try:
                return await self._own.tags(name, after, limit)
            except NotFoundError:
                raise error from None

    async def referrers(self, name: str, digest: Digest) -> list[Descriptor]:
        """Return descriptors of manifests whose subject this is."""
        place = self._place(name)
        if place is None:
            return await self._own.referrers(name, digest)
        try:
            return await place.upstream.referrers(place.path, digest)
        except NotUpstreamError:
            return []
        except (UpstreamAwayError, UpstreamFaultError):
            return await self._own.referrers(name, digest)

    # blobs

    async def blob(self, name: str, digest: Digest) -> Blob:
        """Return a blob; one that is not kept is fetched while it is read."""
        place = self._place(name)
        if place is None:
            return await self._own.blob(name, digest)
        return await self._blobs.get(place, digest)

    async def delete_blob(self, name: str, digest: Digest, by: str) -> None:
        """Take a blob out of a repository; of a cache, the copy."""
        await self._own.delete_blob(name, digest, by)

    async def mount(self, name: str, digest: Digest, source: str | None) -> bool:
        """Let a repository have a blob that another has; a cache has only what it has fetched."""
        self._refuse(name)
        return await self._own.mount(name, digest, source)

    async def begin_upload(self, name: str) -> str:
        """Begin an upload, unless it is a cache's repository."""
        self._refuse(name)
        return await self._own.begin_upload(name)

    async def upload_size(self, name: str, upload: str) -> int:
        """Return how many bytes an upload has."""
        self._refuse(name)
        return await self._own.upload_size(name, upload)

    async def write_upload(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        """Add bytes to an upload."""
        self._refuse(name)
        return await self._own.write_upload(name, upload, start, chunks)

    async def finish_upload(
        self,
        name: str,
        upload: str,
        digest: Digest,
        start: int | None,
        chunks: AsyncIterator[bytes],
    ) -> int:
        """End an upload."""
        self._refuse(name)
        return await self._own.finish_upload(name, upload, digest, start, chunks)

    async def cancel_upload(self, name: str, upload: str) -> None:
        """Forget an upload."""
        self._refuse(name)
        await self._own.cancel_upload(name, upload)

    # for people

    async def repositories(self, after: str, limit: int, visible: Visible) -> list[str]:
        """Return names, of caches those of which anything is kept."""
        return await self._own.repositories(after, limit, visible)

    async def search(self, text: str, limit: int, visible: Visible) -> list[RepositoryDetail]:
        """Return repositories whose name has `text`, as `repositories` does."""
        return await self._own.search(text, limit, visible)

    async def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return tags that are kept."""
        return await self._own.tag_details(name, after, limit)

    async def check(self) -> None:
        """Raise UnavailableError unless we can serve and store; an upstream may be away."""
        await self._own.check()
