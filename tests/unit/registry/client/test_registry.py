"""The entry: schemes that are tried and remembered, logins, and what is loaded when."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest
import trustme
from aiohttp import web

from fixtures.web import serving
from wherry.base.errors import InvalidError, NotFoundError, UnauthorisedError, UnavailableError
from wherry.oci.reference import parse_reference
from wherry.registry.auth.credentials import Credentials
from wherry.registry.client import Limits, RegistryClient, RegistrySettings, Repository
from wherry.registry.client import endpoints as endpoints_module
from wherry.registry.client.settings import pauses_of
from wherry.wire.requests import AuthConfig

Opener = Callable[..., Awaitable[Repository]]


async def missing(request: web.Request) -> web.Response:
    return web.Response(status=200 if request.path == "/v2/" else 404)


def test_making_a_client_does_not_load_aiohttp() -> None:
    code = (
        "import sys, wherry.registry.client as c; c.RegistryClient(c.RegistrySettings());"
        "sys.exit('aiohttp' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_an_insecure_registry_without_tls(opened: Opener) -> None:
    async with serving(missing) as server:
        repository = await opened(server)
        with pytest.raises(NotFoundError):
            await repository.manifest("1")
        await opened(server)
    assert server.paths("GET").count("/v2/") == 2


async def test_an_insecure_registry_with_tls_is_not_verified(opened: Opener) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere.invalid").configure_cert(context)
    async with serving(missing, context) as server:
        await opened(server)
    assert server.paths("GET") == ["/v2/"]


async def test_a_registry_that_must_have_tls_is_not_asked_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints_module, "_LOOPBACK", ())
    client = RegistryClient(RegistrySettings())
    async with serving(missing) as server:
        with pytest.raises(UnavailableError) as caught:
            await client.repository(parse_reference(f"{server.address}/app"), None)
    await client.close()
    assert str(caught.value) == (
        f'Get "https://{server.address}/v2/": http: server gave HTTP response to HTTPS client'
    )
    assert server.seen == []


async def test_too_many_requests(opened: Opener) -> None:
    words = "You have reached your pull rate limit"

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        errors = {"errors": [{"code": "TOOMANYREQUESTS", "message": words}]}
        return web.json_response(errors, status=429)

    async with serving(handle) as server:
        with pytest.raises(UnavailableError) as caught:
            await (await opened(server)).manifest("1")
    assert str(caught.value) == f"toomanyrequests: {words}"
    assert len(server.seen) == 2


async def test_a_server_that_fails_is_asked_again(opened: Opener) -> None:
    statuses = [500, 502, 200]

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        return web.Response(status=statuses.pop(0), body=b"{}")

    async with serving(handle) as server:
        assert (await (await opened(server)).manifest("1")).body == b"{}"
        statuses[:] = [502] * 9
        with pytest.raises(UnavailableError) as caught:
            await (await opened(server)).manifest("1")
    assert str(caught.value) == "received unexpected HTTP status: 502 Bad Gateway"


def basic(password: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == Credentials("ann", password).basic():
            return web.Response()
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    return handle


@pytest.mark.parametrize("form", ["{}", "http://{}", "https://{}/v1/", "{}/v2/"])
async def test_login(client: RegistryClient, form: str) -> None:
    async with serving(basic("secret")) as server:
        address = form.format(server.address)
        config = AuthConfig(username="ann", password="secret", serveraddress=address)
        assert await client.login(config) == ""


async def test_a_login_that_fails(client: RegistryClient) -> None:
    async with serving(basic("secret")) as server:
        config = AuthConfig(username="ann", password="guess", serveraddress=server.address)
        with pytest.raises(UnauthorisedError) as caught:
            await client.login(config)
        url = f"http://{server.address}/v2/"
        words = f"login attempt to {url} failed with status: 401 Unauthorized"
        assert str(caught.value) == words
        with pytest.raises(UnauthorisedError) as caught:
            await client.login(AuthConfig(serveraddress=server.address))
        assert str(caught.value) == f'Get "{url}": no basic auth credentials'


@pytest.mark.parametrize("address", ["https://", "http://[", "r:port", "///"])
async def test_addresses_that_are_none(client: RegistryClient, address: str) -> None:
    with pytest.raises(InvalidError, match="unable to parse server address"):
        await client.login(AuthConfig(serveraddress=address))


def test_pauses_between_attempts_grow_up_to_eight_seconds() -> None:
    assert pauses_of(1) == pauses_of(0) == ()
    assert pauses_of(5) == (0.5, 1, 2, 4)
    assert pauses_of(8)[4:] == (8, 8, 8)
    assert Limits(pauses=(1,)).before_downloads == (1,)
    assert Limits(pauses=(1,), download_pauses=()).before_downloads == ()


async def test_new_settings_are_for_what_begins_after_them() -> None:
    client = RegistryClient(RegistrySettings())
    try:
        await client._connections()
        client.reconfigure(RegistrySettings(insecure=("r.test:5000",)), Limits(pauses=()))
        assert await client._endpoints.insecure("r.test:5000")
        with pytest.raises(InvalidError, match="not valid"):
            client.reconfigure(RegistrySettings(insecure=("10.0.0.0/99",)), Limits())
        assert await client._endpoints.insecure("r.test:5000")
    finally:
        await client.close()
