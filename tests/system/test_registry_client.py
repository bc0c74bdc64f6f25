"""The registry client against Debian's docker-registry: plain, TLS, htpasswd, and with tokens."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme

from fixtures.registry import free_port, running_registry
from fixtures.token_service import (
    IDENTITY_TOKEN,
    PASSWORD,
    USER,
    TokenService,
    running_token_service,
)
from wherry.base.errors import ForbiddenError, NotFoundError, UnauthorisedError, UnavailableError
from wherry.oci.digest import Digest, digest_bytes
from wherry.oci.image import OCI_MANIFEST, Descriptor
from wherry.oci.reference import Reference, parse_reference
from wherry.registry.client import Limits, RegistryClient, RegistrySettings, Repository
from wherry.registry.client import endpoints as endpoints_module
from wherry.wire.requests import AuthConfig

pytestmark = pytest.mark.timeout(60)

LIMITS = Limits(connect=5, stall=5, reply=10, commit=20, pauses=(0.05, 0.1))
DATA = b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(100_000))
ANN = AuthConfig(username=USER, password=PASSWORD)


@pytest.fixture
async def client() -> AsyncIterator[RegistryClient]:
    made = RegistryClient(RegistrySettings(), LIMITS)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("plain")) as address:
        yield address


@pytest.fixture(scope="module")
def tokens() -> Iterator[TokenService]:
    with running_token_service() as service:
        yield service


@pytest.fixture(scope="module")
def token_registry(tokens: TokenService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("tokens")
    with running_registry(root, tokens.settings(root)) as address:
        yield address


@pytest.fixture(scope="module")
def password_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("htpasswd")
    # bcrypt of "secret" with its cheapest cost
    hashed = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
    (root / "htpasswd").write_text(f"{USER}:{hashed}\n")
    settings = {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "test",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(root / "htpasswd"),
    }
    with running_registry(root, settings) as address:
        yield address


def named(address: str, rest: str) -> Reference:
    return parse_reference(f"{address}/{rest}")


def manifest_of(data: bytes) -> bytes:
    config = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": digest_bytes(data),
        "size": len(data),
    }
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}
    ).encode()


async def push(repository: Repository, data: bytes, tag: str) -> Digest:
    await repository.upload(digest_bytes(data), len(data), lambda: io.BytesIO(data), _ignore)
    return await repository.put_manifest(tag, OCI_MANIFEST, manifest_of(data))


def _ignore(_: int) -> None:
    pass


async def content(repository: Repository, data: bytes, offset: int = 0) -> bytes:
    got = bytearray()

    async def sink(chunk: bytes) -> None:
        got.extend(chunk)

    await repository.fetch(Descriptor("", digest_bytes(data), len(data)), sink, offset)
    return bytes(got)


async def test_what_was_pushed_comes_back(client: RegistryClient, registry: str) -> None:
    repository = await client.repository(named(registry, "team/app:1"), None, push=True)
    assert not await repository.has_blob(digest_bytes(DATA))
    sent: list[int] = []
    await repository.upload(digest_bytes(DATA), len(DATA), lambda: io.BytesIO(DATA), sent.append)
    assert sent[0] == 0
    assert sent == sorted(sent)
    assert sent[-1] == len(DATA)
    assert await repository.has_blob(digest_bytes(DATA))
    digest = await repository.put_manifest("1", OCI_MANIFEST, manifest_of(DATA))

    pulled = await client.repository(named(registry, "team/app:1"), None)
    fetched = await pulled.manifest("1")
    assert (fetched.media_type, fetched.digest) == (OCI_MANIFEST, digest)
    assert fetched.body == manifest_of(DATA)
    assert await pulled.manifest(digest) == fetched
    assert await content(pulled, DATA) == DATA
    assert await content(pulled, DATA, 1_000_001) == DATA[1_000_001:]
    assert await content(pulled, DATA, len(DATA)) == b""


async def test_an_empty_blob_goes_up(client: RegistryClient, registry: str) -> None:
    repository = await client.repository(named(registry, "empty"), None, push=True)
    await push(repository, b"", "1")
    assert await repository.has_blob(digest_bytes(b""))


async def test_a_blob_is_mounted_from_a_neighbour(client: RegistryClient, registry: str) -> None:
    first = await client.repository(named(registry, "mount/one"), None, push=True)
    await push(first, b"shared", "1")
    second = await client.repository(named(registry, "mount/two"), None, push=True)
    assert await second.mount(digest_bytes(b"shared"), "mount/one")
    assert await second.has_blob(digest_bytes(b"shared"))
    assert not await second.mount(digest_bytes(b"own"), "mount/one")
    await push(second, b"own", "1")  # through the upload that the mount opened
    assert await content(second, b"own") == b"own"


async def test_what_is_not_there_is_named(client: RegistryClient, registry: str) -> None:
    repository = await client.repository(named(registry, "team/none:9"), None)
    with pytest.raises(NotFoundError) as caught:
        await repository.manifest("9")
    assert str(caught.value) == (
        f"manifest for {registry}/team/none:9 not found: manifest unknown: manifest unknown"
    )
    with pytest.raises(NotFoundError, match="unknown blob"):
        await content(repository, b"nothing")


async def test_nobody_listens(client: RegistryClient) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnavailableError) as caught:
        await client.repository(named(address, "app"), None)
    words = f'Get "http://{address}/v2/": dial tcp {address}: connect: connection refused'
    assert str(caught.value) == words


async def test_a_password(client: RegistryClient, password_registry: str) -> None:
    repository = await client.repository(named(password_registry, "app"), ANN, push=True)
    await push(repository, b"guarded", "1")
    assert await content(repository, b"guarded") == b"guarded"
    assert await client.login(_at(ANN, password_registry)) == ""


async def test_no_password_and_a_wrong_one(client: RegistryClient, password_registry: str) -> None:
    name = named(password_registry, "app:1")
    url = f"http://{password_registry}/v2/"
    with pytest.raises(UnauthorisedError) as caught:
        await (await client.repository(name, None)).manifest("1")
    assert str(caught.value) == f'Get "{url}app/manifests/1": no basic auth credentials'
    wrong = AuthConfig(username=USER, password="guess")
    with pytest.raises(UnauthorisedError) as caught:
        await (await client.repository(name, wrong)).manifest("1")
    assert str(caught.value) == "unauthorized: authentication required"
    with pytest.raises(UnauthorisedError) as caught:
        await client.login(_at(wrong, password_registry))
    words = f"login attempt to {url} failed with status: 401 Unauthorized"
    assert str(caught.value) == words


async def test_tokens(client: RegistryClient, token_registry: str, tokens: TokenService) -> None:
    own = await client.repository(named(token_registry, f"{USER}/app"), ANN, push=True)
    before = len(tokens.grants)
    await push(own, b"tokens", "1")
    assert tokens.grants[before:] == ["password"]  # one token serves for all of it
    anyone = await client.repository(named(token_registry, f"{USER}/app"), None)
    assert (await anyone.manifest("1")).body == manifest_of(b"tokens")
    other = await client.repository(named(token_registry, f"{USER}/other"), ANN, push=True)
    assert await other.mount(digest_bytes(b"tokens"), f"{USER}/app")


async def test_rights_that_a_token_lacks(client: RegistryClient, token_registry: str) -> None:
    denied = "denied: requested access to the resource is denied"
    foreign = await client.repository(named(token_registry, "ben/app"), ANN, push=True)
    with pytest.raises(ForbiddenError) as caught:
        await push(foreign, b"data", "1")
    assert str(caught.value) == denied
    hidden = await client.repository(named(token_registry, "hidden/app"), None)
    with pytest.raises(NotFoundError) as missing:
        await hidden.manifest("1")
    assert str(missing.value) == (
        f"pull access denied for {token_registry}/hidden/app, repository does not exist or may "
        f"require 'docker login': {denied}"
    )


async def test_an_identity_token(
    client: RegistryClient, token_registry: str, tokens: TokenService
) -> None:
    identity = await client.login(_at(ANN, token_registry))
    assert identity == IDENTITY_TOKEN
    config = AuthConfig(identitytoken=identity)
    repository = await client.repository(named(token_registry, f"{USER}/id"), config, push=True)
    await push(repository, b"identity", "1")
    assert tokens.grants[-1] == "refresh_token"
    wrong = AuthConfig(username=USER, password="guess")
    with pytest.raises(UnauthorisedError) as caught:
        await client.login(_at(wrong, token_registry))
    words = f'Get "http://{token_registry}/v2/": unauthorized: incorrect username or password'
    assert str(caught.value) == words


async def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints_module, "_LOOPBACK", ())
    authority = trustme.CA()
    pair = authority.issue_cert("127.0.0.1")
    pair.cert_chain_pems[0].write_to_path(tmp_path / "server.crt")
    pair.private_key_pem.write_to_path(tmp_path / "server.key")
    settings = {
        "REGISTRY_HTTP_TLS_CERTIFICATE": str(tmp_path / "server.crt"),
        "REGISTRY_HTTP_TLS_KEY": str(tmp_path / "server.key"),
    }
    with running_registry(tmp_path / "registry", settings) as address:
        client = RegistryClient(RegistrySettings(certificates=(str(tmp_path / "certs"),)), LIMITS)
        try:
            with pytest.raises(UnavailableError) as caught:
                await client.repository(named(address, "app"), None)
            assert str(caught.value) == (
                f'Get "https://{address}/v2/": tls: failed to verify certificate: x509: '
                "certificate signed by unknown authority"
            )
            (tmp_path / "certs" / address).mkdir(parents=True)
            authority.cert_pem.write_to_path(tmp_path / "certs" / address / "ca.crt")
            repository = await client.repository(named(address, "app"), None, push=True)
            await push(repository, DATA, "1")
            assert await content(repository, DATA) == DATA
        finally:
            await client.close()


async def test_tls_of_an_insecure_registry_is_not_verified(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere",
         "-keyout", "server.key", "-out", "server.crt", "-days", "2"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    settings = {
        "REGISTRY_HTTP_TLS_CERTIFICATE": str(tmp_path / "server.crt"),
        "REGISTRY_HTTP_TLS_KEY": str(tmp_path / "server.key"),
    }
    with running_registry(tmp_path / "registry", settings) as address:
        client = RegistryClient(RegistrySettings(), LIMITS)
        try:
            repository = await client.repository(named(address, "app"), None, push=True)
            await push(repository, b"data", "1")
        finally:
            await client.close()


def _at(config: AuthConfig, address: str) -> AuthConfig:
    return AuthConfig(config.username, config.password, serveraddress=address)
