"""The registry of an engine as its clients reach it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import bcrypt
import pytest
import trustme

from fixtures.images import add_image, archive, leases
from fixtures.registry import free_port
from wherry.engine.registry.backend import EngineBackend
from wherry.engine.registry.serve import RegistryListenError, serve_images
from wherry.registry.auth.credentials import Credentials
from wherry.registry.server.settings import Access, Listen, Settings, Tls
from wherry.store.store import Store

ONE = archive({"one": b"1" * 5000})


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What ends the servers of a test."""
    async with AsyncExitStack() as made:
        yield made


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client."""
    async with aiohttp.ClientSession() as made:
        yield made


def listen() -> Listen:
    return Listen("127.0.0.1", free_port())


@pytest.fixture
def accounts(tmp_path: Path) -> str:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "accounts").write_text(f"ann:{hashed}\n")
    return str(tmp_path / "accounts")


async def test_images_are_served_and_what_was_half_pushed_goes_at_the_end(
    backend: EngineBackend, store: Store, stack: AsyncExitStack, session: aiohttp.ClientSession
) -> None:
    image = add_image(store, "app:1", ONE)
    where = listen()
    await serve_images(backend, Settings(listen=where), stack)
    url = f"http://127.0.0.1:{where.port}/v2"
    async with session.get(f"{url}/app/manifests/1") as answer:
        told = await answer.json(content_type=None)
    async with session.get(f"{url}/app/blobs/{image.diff_ids[0]}") as answer:
        assert (answer.status, await answer.read()) == (200, ONE)
    assert told["config"]["digest"] == image.id
    async with session.post(f"{url}/app/blobs/uploads/") as answer:
        location = answer.headers["Location"]
        assert answer.status == 202
    end = location if location.startswith("http") else f"http://127.0.0.1:{where.port}{location}"
    async with session.patch(end, data=b"half") as answer:
        assert answer.status == 202
    async with session.head(f"{url}/third/blobs/{image.id}") as answer:
        assert answer.status == 200  # a program of this machine
    stranger = {"Host": "stranger.example"}
    async with session.head(f"{url}/third/blobs/{image.id}", headers=stranger) as answer:
        assert answer.status == 404
    assert len(leases(store)) == 1
    await stack.aclose()
    assert leases(store) == []
    assert list(Path(store.layout.partials).iterdir()) == []


async def test_a_port_that_is_taken(backend: EngineBackend, stack: AsyncExitStack) -> None:
    settings = Settings(listen=listen())
    await serve_images(backend, settings, stack)
    async with AsyncExitStack() as another:
        with pytest.raises(RegistryListenError, match="choose another address or port"):
            await serve_images(backend, settings, another)


async def test_accounts_get_tokens_that_outlive_the_engine(
    backend: EngineBackend,
    store: Store,
    stack: AsyncExitStack,
    session: aiohttp.ClientSession,
    accounts: str,
) -> None:
    add_image(store, "app:1", ONE)
    settings = Settings(listen=listen(), access=Access(htpasswd=accounts))
    url = f"http://127.0.0.1:{settings.listen.port}"
    await serve_images(backend, settings, stack)
    async with session.get(f"{url}/v2/app/manifests/1") as answer:
        assert answer.status == 401
        assert f'realm="{url}/token"' in answer.headers["WWW-Authenticate"]
    scope = {"scope": "repository:app:pull", "offline_token": "true"}
    ann = {"Authorization": Credentials("ann", "secret").basic()}
    async with session.get(f"{url}/token", params=scope, headers=ann) as answer:
        given = await answer.json()
    await stack.aclose()
    await serve_images(backend, settings, stack)
    bearer = {"Authorization": f"Bearer {given['token']}"}
    async with session.get(f"{url}/v2/app/manifests/1", headers=bearer) as answer:
        assert answer.status == 200


async def test_tls(
    backend: EngineBackend, stack: AsyncExitStack, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    where = listen()
    settings = Settings(listen=where, tls=Tls(str(certificate), str(key)))
    await serve_images(backend, settings, stack)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with session.get(f"https://127.0.0.1:{where.port}/v2/", ssl=context) as answer:
        assert answer.status == 200
