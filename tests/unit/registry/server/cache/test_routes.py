"""Which names belong to which cache, and what their upstreams call them."""

from __future__ import annotations

import pytest

from wherry.registry.client.endpoints import Endpoint
from wherry.registry.server.cache.routes import InvalidUpstreamError, Routes, site_of
from wherry.registry.server.settings import Cache

CACHES = (
    Cache("hub", "docker.io"),
    Cache("hub/ghcr", "https://ghcr.io"),
    Cache("local/", "http://127.0.0.1:5001"),
)
FOUND = [
    ("hub/alpine", (0, "library/alpine")),
    ("hub/library/alpine", (0, "library/alpine")),
    ("hub/grafana/grafana", (0, "grafana/grafana")),
    ("hub/ghcr/org/app", (1, "org/app")),
    ("hub/ghcr/app", (1, "app")),
    ("hub/ghcr", (0, "library/ghcr")),
    ("local/x", (2, "x")),
    ("hub", None),
    ("hubs/alpine", None),
    ("team/hub/alpine", None),
]


@pytest.mark.parametrize(("name", "expected"), FOUND)
def test_prefixes(name: str, expected: tuple[int, str] | None) -> None:
    assert Routes(CACHES).find(name) == expected


def test_a_mirror_of_everything() -> None:
    routes = Routes((Cache("", "registry-1.docker.io"), *CACHES[1:]))
    assert routes.find("library/alpine") == (0, "library/alpine")
    assert routes.find("alpine") == (0, "library/alpine")
    assert routes.find("hub/ghcr/org/app") == (1, "org/app")


@pytest.mark.parametrize(
    ("ns", "name", "expected"),
    [
        ("docker.io", "library/alpine", "hub/library/alpine"),
        ("registry-1.docker.io", "library/alpine", "hub/library/alpine"),
        ("ghcr.io", "org/app", "hub/ghcr/org/app"),
        ("GHCR.io:443", "org/app", "hub/ghcr/org/app"),
        ("127.0.0.1:5001", "x", "local/x"),
        ("quay.io", "x", None),
        ("", "x", None),
    ],
)
def test_names_for_other_registries(ns: str, name: str, expected: str | None) -> None:
    assert Routes(CACHES).name_for(ns, name) == expected


@pytest.mark.parametrize(
    ("upstream", "url", "verified"),
    [
        ("docker.io", "https://registry-1.docker.io", True),
        ("https://index.docker.io/", "https://registry-1.docker.io", True),
        ("ghcr.io", "https://ghcr.io", True),
        ("Registry.Example:5000", "https://registry.example:5000", True),
        ("https://127.0.0.1:5000", "https://127.0.0.1:5000", True),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", False),
    ],
)
def test_sites(upstream: str, url: str, verified: bool) -> None:
    host = url.partition("://")[2]
    assert site_of(upstream).endpoints == (Endpoint(url, host, verified),)


@pytest.mark.parametrize(
    "upstream",
    ["", "https://", "ftp://x", "https://x/path", "u:p@x", "x:port", "x?y", "https://x#y", "[::1"],
)
def test_what_is_no_upstream(upstream: str) -> None:
    with pytest.raises(InvalidUpstreamError, match="is neither a host"):
        Routes((Cache("hub", upstream),))
