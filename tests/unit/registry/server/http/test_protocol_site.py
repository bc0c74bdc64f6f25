"""The protocol as a site: what it takes, names, and mirrors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from fixtures.registry_server import Served, digest_of, serving
from wherry.oci.image import OCI_MANIFEST
from wherry.registry.server.backend import Backend, StoredManifest

BODY = b"{}"


@dataclass
class Mirror:
    """A backend with a cache of one registry, below `hub`."""

    asked: list[str] = field(default_factory=list)

    def name_for(self, ns: str, name: str) -> str | None:
        return f"hub/{name}" if ns == "docker.io" else None

    async def manifest(self, name: str, reference: str) -> StoredManifest:
        self.asked.append(name)
        return StoredManifest(digest_of(BODY), OCI_MANIFEST, BODY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "name", "namespace"),
    [
        ("?ns=docker.io", "hub/a", "docker.io"),
        ("?x=1&ns=docker.io", "hub/a", "docker.io"),
        ("?ns=ghcr.io", "a", None),
        ("?ns=", "a", None),
        ("", "a", None),
    ],
)
async def test_clients_of_a_mirror_say_whose_name_it_is(
    query: str, name: str, namespace: str | None
) -> None:
    mirror = Mirror()
    async with serving(cast(Backend, mirror)) as served:
        answer = await served.ask("GET", f"/v2/a/manifests/latest{query}")
        assert (answer.status, mirror.asked) == (200, [name])
        assert answer.headers.get("OCI-Namespace") == namespace
        assert (await served.last()).repository == name


async def test_a_backend_without_caches(registry: Served) -> None:
    await registry.push_image("a", "latest")
    answer = await registry.ask("GET", "/v2/a/manifests/latest?ns=docker.io")
    assert answer.status == 200
    assert "OCI-Namespace" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../etc/manifests/passwd",
        "/v2/a/../../b/manifests/x",
        "/v2/a%2Fb/manifests/x",
        "/v2/a//b/manifests/x",
        "/v2/UPPER/manifests/x",
        "/v2/a%00b/manifests/x",
        "/v2/%ff/tags/list",
        "/v2/" + "a/" * 127 + "aa/manifests/x",
    ],
)
async def test_names_that_cannot_be(registry: Served, path: str) -> None:
    answer = await registry.ask("GET", path)
    assert (answer.status, answer.code) == (400, "NAME_INVALID")


@pytest.mark.parametrize(
    "path", ["/v2/a", "/v2/a/b/c", "/v2/tags/list/", "/v2x/", "/v3/", "/", "//"]
)
async def test_paths_that_lead_nowhere(registry: Served, path: str) -> None:
    answer = await registry.ask("GET", path)
    assert (answer.status, answer.code) == (404, "UNSUPPORTED")


async def test_a_name_with_parts_of_routes(registry: Served) -> None:
    name = "manifests/blobs/uploads/tags/list"
    body = await registry.push_image(name, "latest")
    assert (await registry.ask("GET", f"/v2/{name}/manifests/latest")).body == body
    assert (await registry.ask("GET", f"/v2/{name}/tags/list")).json()["name"] == name


async def test_a_whole_url_as_target(registry: Served) -> None:
    reply = await registry.raw(
        b"GET http://registry.test/v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert reply.startswith(b"HTTP/1.1 200 ")
