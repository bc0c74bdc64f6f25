"""Look into registries without pulling: `docker search`, and what a name is there.

Words and rules of the search are dockerd's (moby daemon/pkg/registry/search.go): a term that begins
with a host is meant for that registry, any other for Docker Hub.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.engine.images.arrived import decoded
from wherry.oci.image import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
)
from wherry.oci.platform import platform_of
from wherry.oci.reference import (
    DEFAULT_DOMAIN,
    LEGACY_DEFAULT_DOMAIN,
    OFFICIAL_PREFIX,
    parse_reference,
)
from wherry.registry.client import FetchedManifest, RegistryClient, Repository
from wherry.registry.client.search import SearchResult
from wherry.wire.requests import AuthConfig

_DEFAULT_LIMIT: Final = 25
_HIGHEST_LIMIT: Final = 100
_LARGEST_CONFIG: Final = 8 << 20
_TRUE, _FALSE = frozenset({"1", "true"}), frozenset({"0", "false"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(slots=True)
class SearchImages:
    """The verb: repositories whose names or descriptions have a term."""

    client: RegistryClient

    async def __call__(
        self,
        term: str,
        *,
        limit: int,
        filters: Mapping[str, Sequence[str]],
        credentials: AuthConfig | None,
    ) -> Sequence[SearchResult]:
        """Return at most `limit` of them, 25 for 0, which pass the filters; automated ones none."""
        automated = _flag(filters, "is-automated")
        official = _flag(filters, "is-official")
        stars = max(map(_stars, filters.get("stars", ())), default=0)
        if automated:
            return []
        if "://" in term:
            raise InvalidError(
                f"invalid repository name: repository name ({term}) should not have a scheme"
            )
        domain, rest = split_term(term)
        limit = limit or _DEFAULT_LIMIT
        if not 1 <= limit <= _HIGHEST_LIMIT:
            raise InvalidError(f"limit {limit} is outside the range of [1, {_HIGHEST_LIMIT}]")
        found = await self.client.search(domain, rest, limit, credentials)
        return [
            one for one in found if one.star_count >= stars and official in (None, one.is_official)
        ]


def split_term(term: str) -> tuple[str, str]:
    """Return the registry that a term is for, and the rest of it."""
    first, slash, rest = term.partition("/")
    domain = first if slash and ("." in first or ":" in first or first == "localhost") else ""
    if domain in ("", DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN):
        return DEFAULT_DOMAIN, (rest if domain else term).removeprefix(OFFICIAL_PREFIX)
    return domain, rest


def _flag(filters: Mapping[str, Sequence[str]], key: str) -> bool | None:
    values = filters.get(key)
    if not values:
        return None
    if len(values) == 1 and values[0] in _TRUE | _FALSE:
        return values[0] in _TRUE
    raise InvalidError(f"invalid filter '{key}=[{' '.join(values)}]'")


def _stars(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        words = f'strconv.Atoi: parsing "{text}": invalid syntax'
        raise InvalidError(f"invalid filter 'stars={text}': {words}")
    return int(text)


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """What a registry has under a name: its manifest or index, and what it runs on."""

    descriptor: Descriptor
    platforms: Sequence[Platform]


@dataclass(slots=True)
class InspectRemote:
    """The verb: what a name is at its registry."""

    client: RegistryClient

    async def __call__(self, text: str, *, credentials: AuthConfig | None) -> RemoteImage:
        """Return it; raises what the registry said, in docker's words."""
        reference = parse_reference(text).with_default_tag()
        repository = await self.client.repository(reference, credentials)
        found = await repository.manifest(reference.digest or reference.tag or "")
        described = Descriptor(found.media_type, found.digest, len(found.body))
        return RemoteImage(described, await _platforms(repository, found))


async def _platforms(repository: Repository, found: FetchedManifest) -> Sequence[Platform]:
    if found.media_type in INDEX_TYPES:
        entries = decoded(found.body, Index, "index").manifests
        return [entry.platform or Platform() for entry in entries]
    if found.media_type not in MANIFEST_TYPES:
        return []
    config = decoded(found.body, Manifest, "manifest").config
    if not 0 < config.size <= _LARGEST_CONFIG:
        return []
    collected = bytearray()

    async def sink(chunk: bytes) -> None:
        collected.extend(chunk)

    await repository.fetch(config, sink)
    try:
        platform = platform_of(decoded(bytes(collected), ImageConfig, "image configuration"))
    except InvalidError:
        return []  # an artifact's
    return [platform] if platform.os or platform.architecture else []
