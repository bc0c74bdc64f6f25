"""From targets of requests to routes."""

from __future__ import annotations

import pytest

from wherry.registry.protocol import Route
from wherry.registry.server.backend import RepositoryNameError
from wherry.registry.server.http.routing import PathUnknownError, route_of, split_target


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("/v2/", ("/v2/", "")),
        ("/v2/a/tags/list?n=1&last=a%2Fb", ("/v2/a/tags/list", "n=1&last=a%2Fb")),
        ("/v2/?a?b", ("/v2/", "a?b")),
        ("http://registry.test:5000/v2/?n=1", ("/v2/", "n=1")),
        ("http://registry.test", ("/", "")),
        ("http://[::1/v2/", ("", "")),
        ("*", ("", "")),
        ("registry.test:443", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_target_is_split(target: str, parts: tuple[str, str]) -> None:
    assert split_target(target) == parts


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2/", Route("base")),
        ("/v2/a/blobs/sha256%3Aabc", Route("blob", "a", "sha256:abc")),
        ("/v2/%61/manifests/x", Route("manifest", "a", "x")),
        ("/v2/a/manifests/%2561", Route("manifest", "a", "%61")),
    ],
)
def test_a_route_is_decoded_once(path: str, route: Route) -> None:
    assert route_of(path) == route


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../manifests/x",
        "/v2/a/../b/manifests/x",
        "/v2/a//b/manifests/x",
        "/v2//manifests/x",
        "/v2/./a/manifests/x",
        "/v2/a%2Fb/manifests/x",
        "/v2/a%2fb/manifests/x",
        "/v2/a/manifests/..%2f..%2fb",
        "/v2/%2e%2e/manifests/x",
        "/v2/a%00b/manifests/x",
        "/v2/a%ffb/manifests/x",
        "/v2/A/manifests/x",
        "/v2/a%20b/manifests/x",
        "/v2/-a/manifests/x",
        "/v2/%252e/manifests/x",
        "/v2/" + "a" * 256 + "/manifests/x",
        "/v2/a\n/manifests/x",
    ],
)
def test_tricks_with_names(path: str) -> None:
    with pytest.raises(RepositoryNameError):
        route_of(path)


@pytest.mark.parametrize("path", ["/v2/a", "/v2/a/", "/v2/manifests/x", "/v2/a/tags", "/v2//"])
def test_paths_that_lead_nowhere(path: str) -> None:
    with pytest.raises(PathUnknownError):
        route_of(path)
