"""A registry as the cache of others: Debian's docker-registry, another of our own, and one that
lies."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import aiohttp
import bcrypt
import pytest
import pytest_asyncio

from fixtures.registry import running_registry
from fixtures.upstream import NAME, image, noise, running_upstream
from fixtures.wherry_registry import WherryRegistry, running_wherry_registry
from wherry.oci.digest import Digest, digest_bytes
from wherry.oci.image import OCI_MANIFEST
from wherry.oci.reference import Reference
from wherry.registry.client import RegistryClient, RegistrySettings
from wherry.wire.requests import AuthConfig

LAYER = noise(3_000_000)
LAYER_DIGEST = digest_bytes(LAYER)
HERE = f"hub/{NAME}"
ACCEPT = {"Accept": OCI_MANIFEST}


def settings(upstream: str, refresh: str = "1h", more: str = "") -> str:
    """Return those of a registry that has `upstream` below `hub/`."""
    return (
        '[listen]\naddress = "127.0.0.1"\nport = {port}\n\n'
        f'[[cache]]\nprefix = "hub"\nupstream = "{upstream}"\nrefresh = "{refresh}"\n{more}'
    )


async def push(host: str, tag: str, seed: str, login: AuthConfig | None = None) -> Digest:
    """Push an image with LAYER to a registry, as NAME."""
    manifest, blobs = image(seed, LAYER)
    client = RegistryClient(RegistrySettings())
    try:
        repository = await client.repository(Reference(host, NAME, tag), login, push=True)
        for digest, data in blobs.items():
            await repository.upload(
                Digest(digest), len(data), lambda data=data: io.BytesIO(data), lambda _: None
            )
        return await repository.put_manifest(tag, OCI_MANIFEST, manifest)
    finally:
        await client.close()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        yield session


async def digest_of(
    http: aiohttp.ClientSession, cache: WherryRegistry, tag: str, query: str = "", name: str = HERE
) -> str:
    """Return the digest that a cache serves for a tag."""
    url = f"{cache.url}/v2/{name}/manifests/{tag}{query}"
    async with http.get(url, headers=ACCEPT) as response:
        assert response.status == 200, await response.text()
        assert digest_bytes(await response.read()) == response.headers["Docker-Content-Digest"]
        return response.headers["Docker-Content-Digest"]


async def layer_of(http: aiohttp.ClientSession, cache: WherryRegistry) -> bytes:
    async with http.get(f"{cache.url}/v2/{HERE}/blobs/{LAYER_DIGEST}") as response:
        assert response.status == 200, await response.text()
        assert response.content_length == len(LAYER)
        return await response.read()


async def kept(http: aiohttp.ClientSession, cache: WherryRegistry) -> None:
    """Wait until the layer can be had in parts, which is so when it is kept."""
    headers = {"Range": "bytes=5-9"}
    async with asyncio.timeout(30):
        while True:
            url = f"{cache.url}/v2/{HERE}/blobs/{LAYER_DIGEST}"
            async with http.get(url, headers=headers) as response:
                if response.status == 206:
                    assert await response.read() == LAYER[5:10]
                    return
                await response.read()


async def refusal(response: aiohttp.ClientResponse) -> tuple[int, str, str]:
    """Return status, code and message of an error."""
    error = json.loads(await response.read())["errors"][0]
    return response.status, error["code"], error["message"]


async def test_pulls_with_and_without_the_upstream(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    with contextlib.ExitStack() as upstream:
        host = upstream.enter_context(running_registry(tmp_path / "upstream"))
        first = await push(host, "1", "a")
        text = settings(f"http://{host}", refresh="0s")
        with running_wherry_registry(tmp_path / "cache", text) as cache:
            assert await digest_of(http, cache, "1") == first
            assert await digest_of(http, cache, "1", f"?ns={host}", NAME) == first
            layers = await asyncio.gather(*(layer_of(http, cache) for _ in range(4)))
            assert set(layers) == {LAYER}
            await kept(http, cache)
            second = await push(host, "1", "b")
            assert await digest_of(http, cache, "1") == second
            async with http.get(f"{cache.url}/v2/{HERE}/tags/list") as response:
                assert (await response.json())["tags"] == ["1"]
            upstream.close()
            assert await digest_of(http, cache, "1") == second
            assert await digest_of(http, cache, first) == first
            assert await layer_of(http, cache) == LAYER
            async with http.get(f"{cache.url}/v2/{HERE}/manifests/2") as response:
                assert (await refusal(response))[:2] == (503, "UNAVAILABLE")
            async with http.get(f"{cache.url}/v2/{HERE}/tags/list") as response:
                assert (await response.json())["tags"] == ["1"]
            cache.kill()
            cache.start()
            assert await digest_of(http, cache, "1") == second
            assert await layer_of(http, cache) == LAYER


async def test_a_cache_of_another_registry_of_our_own(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    with (
        running_wherry_registry(tmp_path / "upstream") as upstream,
        running_wherry_registry(tmp_path / "cache", settings(upstream.url)) as cache,
    ):
        digest = await push(upstream.host, "1", "a")
        assert await digest_of(http, cache, "1") == digest
        assert await layer_of(http, cache) == LAYER
        await push(cache.host, "1", "own")  # library/site, which no cache has
        assert await digest_of(http, cache, "1", name=NAME) != digest


async def test_pushing_is_refused_and_deleting_frees_the_copy(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_upstream() as upstream:
        digest = upstream.push("1", "a", LAYER)
        with running_wherry_registry(tmp_path / "cache", settings(upstream.url)) as cache:
            await digest_of(http, cache, "1")
            async with http.post(f"{cache.url}/v2/{HERE}/blobs/uploads/") as response:
                status, code, message = await refusal(response)
                assert (status, code) == (403, "DENIED")
                assert f"is a cache of {NAME} at {upstream.server.address}" in message
            url = f"{cache.url}/v2/{HERE}/manifests"
            manifest = upstream.manifests[digest]
            headers = {"Content-Type": OCI_MANIFEST}
            async with http.put(f"{url}/2", data=manifest, headers=headers) as response:
                assert response.status == 403
            async with http.delete(f"{url}/{digest}") as response:
                assert response.status == 202
            assert await digest_of(http, cache, "1") == digest
            assert upstream.asked["GET manifests"] == 2


async def test_an_upstream_that_lies(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with running_upstream() as upstream:
        digest = upstream.push("1", "a", LAYER)
        upstream.wrong |= {digest, LAYER_DIGEST}
        with running_wherry_registry(tmp_path / "cache", settings(upstream.url)) as cache:
            async with http.get(f"{cache.url}/v2/{HERE}/manifests/{digest}") as response:
                assert (await refusal(response))[:2] == (503, "UNAVAILABLE")
            for _ in range(2):
                with pytest.raises(aiohttp.ClientPayloadError):
                    await layer_of(http, cache)
            upstream.wrong.clear()
            assert await digest_of(http, cache, digest) == digest
            # Though what was wrong may not have been cleared away yet.
            assert await layer_of(http, cache) == LAYER


async def test_a_cache_that_is_killed_in_the_middle(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with running_upstream() as upstream:
        upstream.push("1", "a", LAYER)
        upstream.hold = True
        with running_wherry_registry(tmp_path / "cache", settings(upstream.url)) as cache:
            reading = asyncio.create_task(layer_of(http, cache))
            await upstream.held.wait()
            cache.kill()
            with pytest.raises(aiohttp.ClientError):
                await reading
            upstream.go.set()
            cache.start()
            assert await layer_of(http, cache) == LAYER
            await kept(http, cache)


@pytest.fixture
def private(tmp_path: Path) -> Iterator[str]:
    """A docker-registry that only ann may use."""
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "htpasswd").write_text(f"ann:{hashed}\n")
    variables: Mapping[str, str] = {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "upstream",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(tmp_path / "htpasswd"),
    }
    with running_registry(tmp_path / "upstream", variables) as host:
        yield host


@pytest.mark.parametrize(
    ("more", "status"),
    [('username = "ann"\npassword = "secret"\n', 200), ("", 404), ('username = "x"\n', 404)],
)
async def test_a_private_upstream(
    tmp_path: Path, private: str, http: aiohttp.ClientSession, more: str, status: int
) -> None:
    await push(private, "1", "a", AuthConfig(username="ann", password="secret"))
    text = settings(f"http://{private}", more=more)
    with running_wherry_registry(tmp_path / "cache", text) as cache:
        async with http.get(f"{cache.url}/v2/{HERE}/manifests/1", headers=ACCEPT) as response:
            assert response.status == status
            assert b"secret" not in await response.read()
        assert "secret" not in cache.logged()
