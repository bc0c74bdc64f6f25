"""Manifests of cached repositories: when the upstream is asked, and what is served without it.

By digest, what is kept is served: it cannot have changed. By tag, what is kept is served without
asking while the tag was checked within `refresh` seconds; then a HEAD request tells whether it has
moved, and only then is anything fetched. When the upstream is away or at fault, what is kept is
served however old it is. When it says that the tag is gone, that is believed, but what is kept
stays, for an upstream that is away later.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

from wherry.base.errors import NotFoundError, WherryError
from wherry.oci.digest import Digest
from wherry.registry.server.backend import (
    KeepingBackend,
    ManifestUnknownError,
    StoredManifest,
)
from wherry.registry.server.cache.place import Place
from wherry.registry.server.cache.singleflight import SingleFlight
from wherry.registry.server.cache.upstream import (
    NotUpstreamError,
    UpstreamAwayError,
    UpstreamFaultError,
)

log = logging.getLogger(__name__)

_MOST_CHECKS = 50_000


class Manifests:
    """Belongs to one event loop; `clock` counts seconds, from anywhere."""

    def __init__(self, own: KeepingBackend, clock: Callable[[], float]) -> None:
        self._own = own
        self._clock = clock
        self._checked: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._asking: SingleFlight[StoredManifest] = SingleFlight()

    async def close(self) -> None:
        """Stop asking."""
        await self._asking.close()

    async def get(self, place: Place, reference: str) -> StoredManifest:
        """Return a manifest; raises ManifestUnknownError, UnavailableError."""
        kept = await self._kept(place, reference)
        tag = "" if ":" in reference else reference
        if kept is not None and (not tag or place.upstream.away or self._is_fresh(place, tag)):
            return kept
        try:
            return await self._asking.run(
                (place.name, reference), lambda: self._asked(place, reference, kept)
            )
        except NotUpstreamError:
            raise ManifestUnknownError(place.name, reference) from None
        except (UpstreamAwayError, UpstreamFaultError):
            if kept is None:
                raise
            return kept

    async def _kept(self, place: Place, reference: str) -> StoredManifest | None:
        try:
            return await self._own.manifest(place.name, reference)
        except NotFoundError:
            return None

    async def _asked(
        self, place: Place, reference: str, kept: StoredManifest | None
    ) -> StoredManifest:
        if ":" in reference:
            return await self._fetched(place, reference, "")
        found = await self._refreshed(place, reference, kept)
        self._note(place, reference)
        return found

    async def _refreshed(
        self, place: Place, tag: str, kept: StoredManifest | None
    ) -> StoredManifest:
        """Return where a tag leads now; fetches only what is not kept."""
        digest: Digest | None = None
        if kept is not None:
            digest = await place.upstream.digest_of(place.path, tag)
            if digest == kept.digest:
                return kept
        found = await self._kept(place, digest) if digest is not None else None
        if found is None:
            return await self._fetched(place, digest or tag, tag)
        await self._own.keep_manifest(place.name, tag, found)
        return found

    async def _fetched(self, place: Place, reference: str, tag: str) -> StoredManifest:
        """Fetch and keep; what cannot be kept is passed on all the same."""
        manifest = await place.upstream.manifest(place.path, reference)
        try:
            await self._own.keep_manifest(place.name, tag, manifest)
        except WherryError as error:
            log.warning("%s of %s is not kept: %s", manifest.digest, place.name, error)
        return manifest

    def _is_fresh(self, place: Place, tag: str) -> bool:
        checked = self._checked.get((place.name, tag))
        return checked is not None and self._clock() - checked < place.refresh

    def _note(self, place: Place, tag: str) -> None:
        self._checked[place.name, tag] = self._clock()
        self._checked.move_to_end((place.name, tag))
        if len(self._checked) > _MOST_CHECKS:
            self._checked.popitem(last=False)
