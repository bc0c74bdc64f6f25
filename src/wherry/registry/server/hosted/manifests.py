"""Manifests and tags of a registry that keeps images.

To get one is what a registry does most: one look into the catalog, which says whether the
repository has it, and the body from memory. What is put is understood first, so that the catalog
learns what it needs; the catalog alone decides, in one transaction, whether all of that is there.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial

import msgspec

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.oci import image
from wherry.oci.digest import Digest, algorithm_of, digest_bytes, parse_digest
from wherry.oci.platform import format_platform, normalised, platform_of
from wherry.oci.reading import read
from wherry.registry.blobdrivers.driver import BlobDriver, Key
from wherry.registry.server.backend import (
    DigestMismatchError,
    ImmutableError,
    PutManifest,
    StoredManifest,
    TooLargeError,
)
from wherry.registry.server.catalog.catalog import Catalog, ManifestEntry
from wherry.registry.server.hosted.bodies import Bodies
from wherry.registry.server.hosted.immutable import ImmutableTags
from wherry.registry.server.hosted.understand import Understood, understand

BODIES_BYTES = 64 << 20
_AT_ONCE = 64 << 10  # a manifest beyond this is understood in a thread
_CONFIG_BYTES = 64 << 10


class Manifests:
    """Gets, puts and deletes; `limit` is of a manifest's bytes, 0 for none."""

    def __init__(
        self, catalog: Catalog, driver: BlobDriver, immutable: ImmutableTags, limit: int
    ) -> None:
        self._catalog = catalog
        self._driver = driver
        self._immutable = immutable
        self._limit = limit
        self._bodies = Bodies(BODIES_BYTES)

    async def get(self, name: str, reference: str) -> StoredManifest:
        """Return a manifest by tag or digest; raises as `Backend.manifest`."""
        if ":" in reference:
            digest = parse_digest(reference)
            kept = self._bodies.get(digest)
            if kept is not None and await self._catalog.has_manifest(name, digest):
                return kept
        else:
            digest = await self._catalog.resolve(name, reference)
            kept = self._bodies.get(digest)
            if kept is not None:
                return kept
        manifest = await self._catalog.manifest(name, digest)
        self._bodies.put(manifest)
        return manifest

    async def put(
        self, name: str, reference: str, media_type: str, body: bytes, by: str, now: float
    ) -> PutManifest:
        """Store a manifest; raises as `Backend.put_manifest`."""
        tag, digest = _named(reference, body)
        found = await self._understand(media_type, body, digest)
        entry = await self._complete(name, found)
        may_move = not (tag and self._immutable.has(name, tag))
        await self._catalog.put_manifest(name, entry, tag, by, now, may_move=may_move)
        return PutManifest(digest, entry.subject)

    async def keep(self, name: str, tag: str, manifest: StoredManifest, now: float) -> None:
        """Store the copy of another registry's manifest; raises as `keep_manifest`."""
        found = await self._understand(manifest.media_type, manifest.body, manifest.digest)
        # Its foreign layers are as likely to come here as its others.
        blobs = tuple(dict.fromkeys((*found.entry.blobs, *found.foreign)))
        entry = replace(found.entry, blobs=blobs)
        await self._catalog.put_manifest(name, entry, tag, "", now, may_move=True, require=False)

    async def delete(self, name: str, digest: Digest, by: str, now: float) -> None:
        """Delete a manifest and its tags; raises as `Backend.delete_manifest`."""
        keeps = partial(self._immutable.has, name)
        await self._catalog.delete_manifest(name, digest, by, now, keeps=keeps)

    async def delete_tag(self, name: str, tag: str, by: str, now: float) -> None:
        """Delete a tag; raises as `Backend.delete_tag`."""
        if self._immutable.has(name, tag):
            await self._catalog.resolve(name, tag)  # what is not there is not found, not forbidden
            raise ImmutableError(f"tag {tag} of {name} is immutable: it cannot be deleted")
        await self._catalog.delete_tag(name, tag, by, now)

    async def _understand(self, media_type: str, body: bytes, digest: Digest) -> Understood:
        if self._limit and len(body) > self._limit:
            raise TooLargeError(f"a manifest may have {self._limit} bytes, not {len(body)}")
        if len(body) > _AT_ONCE:
            return await in_thread(understand, media_type, body, digest)
        return understand(media_type, body, digest)

    async def _complete(self, name: str, found: Understood) -> ManifestEntry:
        """Add what only the repository can tell: foreign layers that it has, and the platform."""
        entry = found.entry
        own = [one for one in found.foreign if await self._catalog.blob(name, one) is not None]
        platforms = entry.platforms or await self._platforms(name, found.config)
        return replace(entry, blobs=(*entry.blobs, *own), platforms=platforms)

    async def _platforms(self, name: str, config: image.Descriptor | None) -> tuple[str, ...]:
        """Return the platform of an image; () when its configuration does not tell it."""
        if config is None or config.media_type not in (image.OCI_CONFIG, image.DOCKER_CONFIG):
            return ()
        row = await self._catalog.blob(name, config.digest)
        if row is None or row.size > _CONFIG_BYTES:
            return ()
        # People like to see it; a push must not depend on it.
        with contextlib.suppress(WherryError, msgspec.MsgspecError, ValueError, RecursionError):
            return await in_thread(_read_platform, self._driver, row.key)
        return ()


def _named(reference: str, body: bytes) -> tuple[str, Digest]:
    """Return tag ("" for none) and digest of a manifest that is put under a reference."""
    if ":" not in reference:
        return reference, digest_bytes(body)
    tag, _, text = reference.rpartition("@")
    wanted = parse_digest(text)
    found = digest_bytes(body, algorithm_of(wanted))
    if found != wanted:
        raise DigestMismatchError(wanted, found)
    return tag, found


def _read_platform(driver: BlobDriver, key: Key) -> tuple[str, ...]:
    data = b"".join(driver.read(key, 0, _CONFIG_BYTES))
    config = read(data, image.ImageConfig)
    words = format_platform(normalised(platform_of(config)))
    return (words,) if words and words.isprintable() else ()
