"""Requests to an upstream: credentials, lists, referrers, and answers that cannot be."""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from fixtures.upstream import NAME, running_upstream
from fixtures.upstream import Upstream as Scripted
from fixtures.web import serving
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_INDEX, Descriptor
from wherry.registry.client.settings import Limits
from wherry.registry.server.cache.upstream import (
    NotUpstreamError,
    Upstream,
    UpstreamAwayError,
    UpstreamFaultError,
)
from wherry.registry.server.settings import Cache

LIMITS = Limits(connect=5, stall=5, reply=5, pauses=())
SUBJECT = digest_bytes(b"subject")


def upstream_of(scripted: Scripted, **changes: str) -> Upstream:
    return Upstream(replace(Cache("hub", scripted.url), **changes), lambda: 0.0, LIMITS)


async def test_tags_in_order_and_in_pages() -> None:
    async with running_upstream() as scripted:
        scripted.tags = dict.fromkeys(["b", "a", "C", "d-1", "d"], "")
        upstream = upstream_of(scripted)
        assert await upstream.tags(NAME, "", 3) == ["C", "a", "b"]
        assert await upstream.tags(NAME, "b", 10) == ["d", "d-1"]
        assert scripted.server.paths("GET")[-2:] == [
            f"/v2/{NAME}/tags/list?n=3",
            f"/v2/{NAME}/tags/list?n=10&last=b",
        ]
        with pytest.raises(NotUpstreamError):
            await upstream.tags("other/thing", "", 3)
        await upstream.close()


def index_of(descriptor: Descriptor) -> bytes:
    manifests = [
        {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


async def test_referrers_and_those_of_older_registries() -> None:
    found = Descriptor("application/x-signature", digest_bytes(b"signature"), 9)
    async with running_upstream() as scripted:
        upstream = upstream_of(scripted)
        with pytest.raises(NotUpstreamError):
            await upstream.referrers(NAME, SUBJECT)
        body = index_of(found)
        scripted.manifests[digest_bytes(body)] = body
        scripted.tags[SUBJECT.replace(":", "-")] = digest_bytes(body)
        scripted.types[digest_bytes(body)] = OCI_INDEX
        assert await upstream.referrers(NAME, SUBJECT) == [found]
        scripted.tags.clear()
        scripted.referrers[SUBJECT] = body
        assert await upstream.referrers(NAME, SUBJECT) == [found]
        await upstream.close()


@pytest.mark.parametrize("body", [b"", b"[]", b"not JSON", b"[" * 100_000, b'{"tags": 5}'])
async def test_lists_that_cannot_be(body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with serving(answer) as server:
        upstream = Upstream(Cache("", f"http://{server.address}"), lambda: 0.0, LIMITS)
        with pytest.raises(UpstreamFaultError, match="the list of tags"):
            await upstream.tags(NAME, "", 5)
        with pytest.raises(UpstreamFaultError, match="the referrers"):
            await upstream.referrers(NAME, SUBJECT)
        await upstream.close()


async def test_credentials_go_where_they_are_asked_for() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Basic YW5uOnRvcHNlY3JldA==":
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return web.json_response({"name": NAME, "tags": ["1"]})

    async with serving(answer) as server:
        cache = Cache("", f"http://{server.address}", username="ann", password="topsecret")
        upstream = Upstream(cache, lambda: 0.0, LIMITS)
        assert await upstream.tags(NAME, "", 5) == ["1"]
        await upstream.close()
        stranger = Upstream(replace(cache, password="wrong"), lambda: 0.0, LIMITS)
        with pytest.raises(NotUpstreamError) as told:
            await stranger.tags(NAME, "", 5)
        assert "wrong" not in str(told.value)
        await stranger.close()


async def test_https_is_verified_with_the_authorities_of_the_settings(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"name": NAME, "tags": ["1"]})

    async with serving(answer, tls) as server:
        cache = Cache("", f"https://{server.address}", authorities=str(tmp_path / "ca.pem"))
        trusting = Upstream(cache, lambda: 0.0, LIMITS)
        assert await trusting.tags(NAME, "", 5) == ["1"]
        await trusting.close()
        wary = Upstream(replace(cache, authorities=""), lambda: 0.0, LIMITS)
        with pytest.raises(UpstreamAwayError, match="unknown authority"):
            await wary.tags(NAME, "", 5)
        await wary.close()
        mistaken = Upstream(replace(cache, authorities="/nonexistent"), lambda: 0.0, LIMITS)
        with pytest.raises(UpstreamFaultError, match="/nonexistent"):
            await mistaken.tags(NAME, "", 5)
        await mistaken.close()


@pytest.mark.parametrize("length", [None, "-1", "x", "9" * 30])
async def test_blobs_without_a_size(length: str | None) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if length is None:
            response.enable_chunked_encoding()
        else:
            response.headers["Content-Length"] = length
        await response.prepare(request)
        return response

    async with serving(answer) as server:
        upstream = Upstream(Cache("", f"http://{server.address}"), lambda: 0.0, LIMITS)
        with pytest.raises((UpstreamFaultError, UpstreamAwayError)):
            await upstream.blob_size(NAME, SUBJECT)
        await upstream.close()


async def test_a_tag_without_a_digest() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Docker-Content-Digest": "sha256:short"})

    async with serving(answer) as server:
        upstream = Upstream(Cache("", f"http://{server.address}"), lambda: 0.0, LIMITS)
        assert await upstream.digest_of(NAME, "1") is None
        await upstream.close()


async def test_a_failure_to_connect_is_not_for_ever() -> None:
    async with running_upstream() as scripted:
        scripted.push("1", "a")
        cache = Cache("hub", scripted.url)
        upstream = Upstream(cache, lambda: 0.0, LIMITS)
        address = scripted.server.address
    with pytest.raises(UpstreamAwayError, match="connection refused"):
        await upstream.manifest(NAME, "1")
    assert upstream.away
    assert upstream.host == address
    async with running_upstream() as again:
        again.push("1", "a")
        upstream._site = Upstream(Cache("", again.url), lambda: 0.0)._site
        assert (await upstream.manifest(NAME, "1")).digest == again.tags["1"]
    await upstream.close()


async def test_sources_do_not_heap_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.registry.server.cache.upstream._MOST_SOURCES", 3)
    async with running_upstream() as scripted:
        upstream = upstream_of(scripted)
        for number in range(5):
            with pytest.raises(NotUpstreamError):
                await upstream.tags(f"a/{number}", "", 1)
        assert list(upstream._sources) == ["a/2", "a/3", "a/4"]
        await upstream.close()
