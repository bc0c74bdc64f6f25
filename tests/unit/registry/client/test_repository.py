"""Mirrors before the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from fixtures.web import Server, serving
from wherry.base.errors import DataLossError, NotFoundError
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_MANIFEST, Descriptor
from wherry.oci.reference import parse_reference
from wherry.registry.client import Limits, RegistryClient, RegistrySettings
from wherry.registry.client import endpoints as endpoints_module
from wherry.registry.client.endpoints import Endpoint
from wherry.wire.requests import AuthConfig

LIMITS = Limits(connect=2, stall=0.5, reply=1, commit=1, pauses=(0.01,))
DATA = b"data of a blob"
BLOB = Descriptor("", digest_bytes(DATA), len(DATA))
REFERENCE = parse_reference("debian")


class Hub:
    """A registry: `status` for all but the base route, or DATA for blobs and {} for manifests."""

    def __init__(self, status: int = 200, blob: bytes = DATA) -> None:
        self.status = status
        self.blob = blob

    async def __call__(self, request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        if self.status != 200:
            return web.Response(status=self.status)
        if "/manifests/" in request.path:
            return web.Response(body=b"{}", headers={"Content-Type": OCI_MANIFEST})
        return web.Response(body=self.blob)


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """What this process takes for docker.io."""
    async with serving(Hub()) as server:

        def local(url: str, host: str, verified: bool) -> Endpoint:
            is_hub = host == endpoints_module.DEFAULT_HOST
            return Endpoint(f"http://{server.address}" if is_hub else url, host, verified)

        monkeypatch.setattr(endpoints_module, "Endpoint", local)
        yield server


async def pull(mirrors: list[str], credentials: AuthConfig | None = None) -> bytes:
    client = RegistryClient(RegistrySettings(mirrors=mirrors), LIMITS)
    got = bytearray()

    async def sink(chunk: bytes) -> None:
        got.extend(chunk)

    try:
        repository = await client.repository(REFERENCE, credentials)
        assert (await repository.manifest("latest")).body == b"{}"
        await repository.fetch(BLOB, sink)
        await repository.fetch(BLOB, sink)
    finally:
        await client.close()
    return bytes(got)


async def test_a_mirror_that_has_it_all(hub: Server) -> None:
    async with serving(Hub()) as mirror:
        assert await pull([f"http://{mirror.address}"]) == DATA * 2
    assert mirror.paths("GET")[1] == "/v2/library/debian/manifests/latest"
    assert hub.seen == []


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
async def test_a_mirror_that_has_nothing(hub: Server, status: int) -> None:
    async with serving(Hub(status)) as mirror:
        assert await pull([f"http://{mirror.address}"]) == DATA * 2
    assert not [path for path in mirror.paths("GET") if "/blobs/" in path]
    assert len([path for path in hub.paths("GET") if "/blobs/" in path]) == 2


async def test_a_mirror_that_is_down(hub: Server) -> None:
    assert await pull(["http://127.0.0.1:1", "https://mirror.invalid"]) == DATA * 2


async def test_a_mirror_whose_blob_is_longer_spoils_it(hub: Server) -> None:
    class Lying(Hub):
        async def __call__(self, request: web.Request) -> web.Response:
            response = await super().__call__(request)
            if "/blobs/" in request.path:
                response.enable_chunked_encoding()
            return response

    async with serving(Lying(blob=DATA + b"more")) as mirror:
        with pytest.raises(DataLossError, match="goes on at the registry"):
            await pull([f"http://{mirror.address}"])


async def test_a_mirror_does_not_see_the_password(hub: Server) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=r"})

    async with serving(handle) as mirror:
        ann = AuthConfig(username="ann", password="secret")
        assert await pull([f"http://{mirror.address}"], ann) == DATA * 2
    assert mirror.seen
    assert not [request for request in mirror.seen if "Authorization" in request.headers]


async def test_what_nobody_has(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(_: web.Request) -> web.Response:
        errors = {"errors": [{"code": "MANIFEST_UNKNOWN"}]}
        return web.json_response(errors, status=404)

    monkeypatch.setattr(Hub, "__call__", lambda _, request: missing(request))
    async with serving(Hub()) as mirror:
        with pytest.raises(NotFoundError) as caught:
            await pull([f"http://{mirror.address}"])
    words = "manifest for debian:latest not found: manifest unknown: manifest unknown"
    assert str(caught.value) == words
    assert len(mirror.seen) == 2
