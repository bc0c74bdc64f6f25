"""Which names belong to a cache, and what their upstream calls them. Pure.

A name below a cache's prefix is that cache's, and the longest prefix wins; the prefix "" has every
name that no other cache has. Docker Hub keeps names of one component under `library/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from wherry.base.errors import InvalidError
from wherry.oci.reference import DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN, OFFICIAL_PREFIX
from wherry.registry.client.endpoints import DEFAULT_HOST, Endpoint, Site
from wherry.registry.server.settings import Cache

_HUB = frozenset({DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN, DEFAULT_HOST})


class InvalidUpstreamError(InvalidError):
    """An upstream in the settings is not a registry."""

    def __init__(self, upstream: str) -> None:
        super().__init__(
            f"upstream {upstream!r} is neither a host, such as docker.io or ghcr.io:443, "
            "nor a URL of one"
        )


def site_of(upstream: str) -> Site:
    """Return where an upstream is: `host[:port]` by HTTPS, or a URL; raises InvalidUpstreamError.

    What the settings say is done: HTTPS is verified, also on the loopback, and never left.
    """
    try:
        parts = urlsplit(upstream if "://" in upstream else f"https://{upstream}")
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        valid = valid and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        valid = False
    if not valid or "@" in parts.netloc:
        raise InvalidUpstreamError(upstream)
    host = DEFAULT_HOST if parts.netloc in _HUB else parts.netloc.lower()
    return Site((Endpoint(f"{parts.scheme}://{host}", host, parts.scheme == "https"),))


class Routes:
    """Finds the cache of a name; caches are told apart by their place in the settings."""

    def __init__(self, caches: Sequence[Cache]) -> None:
        self._hosts = [_host(site_of(cache.upstream).endpoints[0].host) for cache in caches]
        prefixes = [cache.prefix.strip("/") for cache in caches]
        self._prefixes = [f"{prefix}/" if prefix else "" for prefix in prefixes]
        longest = sorted(range(len(caches)), key=lambda number: -len(prefixes[number]))
        self._order = tuple(longest)

    def find(self, name: str) -> tuple[int, str] | None:
        """Return the cache that a repository belongs to, and its name at the upstream."""
        for number in self._order:
            prefix = self._prefixes[number]
            if name.startswith(prefix):
                return number, self._upstream_name(number, name.removeprefix(prefix))
        return None

    def _upstream_name(self, number: int, name: str) -> str:
        official = self._hosts[number] == DEFAULT_DOMAIN and "/" not in name
        return OFFICIAL_PREFIX + name if official else name

    def name_for(self, ns: str, name: str) -> str | None:
        """Return what a repository of the registry `ns` (`host[:port]`) is called here."""
        host = _host(ns.lower())
        if host not in self._hosts:
            return None
        return self._prefixes[self._hosts.index(host)] + name


def _host(host: str) -> str:
    """Return the one name of a registry that has several."""
    return DEFAULT_DOMAIN if host in _HUB else host.removesuffix(":443")
