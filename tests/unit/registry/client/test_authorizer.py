"""Challenges answered: which credentials go where, and where they never go."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from fixtures.web import Handler, Server, serving
from wherry.base.errors import (
    DataLossError,
    ForbiddenError,
    InvalidError,
    UnauthorisedError,
    UnavailableError,
)
from wherry.oci.digest import digest_bytes
from wherry.oci.image import Descriptor
from wherry.registry.auth.challenge import Challenge
from wherry.registry.auth.credentials import Credentials
from wherry.registry.auth.token import TokenCache
from wherry.registry.client import Limits, Repository
from wherry.registry.client.authorizer import Authorizer, Line
from wherry.registry.client.call import Call, Response
from wherry.registry.client.endpoints import Endpoint
from wherry.registry.client.tls import Contexts
from wherry.wire.requests import AuthConfig

Opener = Callable[..., Awaitable[Repository]]

ANN = AuthConfig(username="ann", password="secret")
BASIC = "Basic " + base64.b64encode(b"ann:secret").decode()
BLOB = Descriptor("", digest_bytes(b"data"), 4)


class Registry:
    """Wants a Bearer token of `realm`; takes those in `valid`."""

    def __init__(self, realm: str, *valid: str) -> None:
        self.realm = realm
        self.valid = {f"Bearer {token}" for token in valid}
        self.error = ""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") in self.valid:
            return web.Response(body=b"data")
        error = f',error="{self.error}"' if self.error else ""
        header = f'Bearer realm="{self.realm}",service="s"{error}'
        return web.Response(status=401, headers={"WWW-Authenticate": header})


def token_service(*tokens: str) -> Handler:
    """Give one token after the other, the last again and again."""
    left = list(tokens)

    async def handle(_: web.Request) -> web.Response:
        return web.json_response({"token": left.pop(0) if len(left) > 1 else left[0]})

    return handle


def authorizations(server: Server) -> list[str]:
    return [request.headers.get("Authorization", "") for request in server.seen]


async def _forget(_: bytes) -> None:
    pass


async def test_one_token_serves_for_all_requests(opened: Opener) -> None:
    async with serving(token_service("t1")) as tokens:
        registry = Registry(f"http://{tokens.address}/token", "t1")
        async with serving(registry) as server:
            repository = await opened(server, ANN)
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(repository.fetch(BLOB, _forget))
    assert len(tokens.seen) == 1
    query = parse_qs(urlsplit(tokens.seen[0].path).query)
    assert query == {"service": ["s"], "scope": ["repository:team/app:pull"], "account": ["ann"]}
    assert authorizations(tokens) == [BASIC]
    assert set(authorizations(server)) == {"", "Bearer t1"}  # the password stays away from it


async def test_a_mount_asks_for_both_repositories(opened: Opener) -> None:
    async with serving(token_service("t1")) as tokens:
        registry = Registry(f"http://{tokens.address}/token", "t1")
        async with serving(registry) as server:
            repository = await opened(server, ANN, push=True)
            await repository.has_blob(BLOB.digest)
            with pytest.raises(DataLossError):  # this registry does not know uploads
                await repository.mount(BLOB.digest, "team/base")
    scopes = [parse_qs(urlsplit(request.path).query)["scope"] for request in tokens.seen]
    assert scopes == [
        ["repository:team/app:push,pull"],
        ["repository:team/app:push,pull", "repository:team/base:pull"],
    ]


async def test_a_token_that_ends_early_is_replaced(opened: Opener) -> None:
    async with serving(token_service("t1", "t2")) as tokens:
        registry = Registry(f"http://{tokens.address}/token", "t1")
        async with serving(registry) as server:
            repository = await opened(server)
            await repository.fetch(BLOB, _forget)
            registry.valid = {"Bearer t2"}
            await repository.fetch(BLOB, _forget)
    assert len(tokens.seen) == 2


async def test_a_new_token_that_is_refused_is_not_replaced(opened: Opener) -> None:
    async with serving(token_service("t1")) as tokens:
        registry = Registry(f"http://{tokens.address}/token")
        registry.error = "insufficient_scope"
        async with serving(registry) as server:
            with pytest.raises(ForbiddenError) as caught:
                await (await opened(server)).has_blob(BLOB.digest)
    assert str(caught.value) == "denied: requested access to the resource is denied"
    assert len(tokens.seen) == 1


async def test_a_registry_token_is_passed_through(opened: Opener) -> None:
    async with serving(Registry("http://127.0.0.1:1/token", "mine")) as server:
        await (await opened(server, AuthConfig(registrytoken="mine"))).fetch(BLOB, _forget)


@pytest.mark.parametrize(
    ("status", "body", "category", "words"),
    [
        (401, '{"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]}',
         UnauthorisedError, "unauthorized: incorrect username or password"),
        (401, '{"error": "invalid_grant"}', UnauthorisedError,
         "unauthorized: authentication required"),
        (403, '{"errors": [{"code": "DENIED"}]}', ForbiddenError, "denied: requested access"),
        (503, "", UnavailableError, "received unexpected HTTP status: 503 Service Unavailable"),
        (200, '{"token": ""}', UnavailableError, "did not include a token"),
        (200, "[", UnavailableError, "unable to decode token response"),
    ],
)  # fmt: skip
async def test_a_token_service_that_gives_none(
    opened: Opener, status: int, body: str, category: type[Exception], words: str
) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    async with (
        serving(handle) as tokens,
        serving(Registry(f"http://{tokens.address}/token")) as server,
    ):
        with pytest.raises(category, match=words) as caught:
            await (await opened(server, ANN)).manifest("1")
    if status != 200:
        url = f"http://{server.address}/v2/team/app/manifests/1"
        assert str(caught.value).startswith(f'Get "{url}": ')


async def test_a_token_without_end(opened: Opener) -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=b" " * ((1 << 20) + 1))

    async with (
        serving(handle) as tokens,
        serving(Registry(f"http://{tokens.address}/token")) as server,
    ):
        with pytest.raises(DataLossError, match="larger than"):
            await (await opened(server)).manifest("1")


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "", "gopher://x/"])
async def test_a_realm_that_is_none(opened: Opener, realm: str) -> None:
    async with serving(Registry(realm)) as server:
        with pytest.raises(InvalidError, match="realm"):
            await (await opened(server, ANN)).manifest("1")


async def test_a_redirect_takes_no_credentials_along(opened: Opener) -> None:
    async def storage(_: web.Request) -> web.Response:
        # What a 401 from here says is not the registry's word.
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{thief.address}/token"'}
        return web.Response(status=401, headers=challenge)

    async with (
        serving(token_service("stolen")) as thief,
        serving(storage) as elsewhere,
        serving(token_service("t1")) as tokens,
    ):
        inner = Registry(f"http://{tokens.address}/token", "t1")

        async def registry(request: web.Request) -> web.StreamResponse:
            response = await inner(request)
            if "/blobs/" in request.path and response.status == 200:
                raise web.HTTPTemporaryRedirect(f"http://{elsewhere.address}/b?sig=1")
            return response

        async with serving(registry) as server:
            with pytest.raises(UnauthorisedError):
                await (await opened(server, ANN)).fetch(BLOB, _forget)
    assert authorizations(elsewhere) == [""]
    assert thief.seen == []


async def test_a_token_service_that_redirects_gets_no_password_sent_on(opened: Opener) -> None:
    async with serving(token_service("t1")) as thief:

        async def redirecting(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(f"http://{thief.address}/token")

        async with (
            serving(redirecting) as tokens,
            serving(Registry(f"http://{tokens.address}/token", "t1")) as server,
        ):
            await (await opened(server, ANN)).fetch(BLOB, _forget)
            assert authorizations(thief) == [""]
            identity = AuthConfig(identitytoken="secret")
            with pytest.raises(UnavailableError):  # the form would hold the identity token
                await (await opened(server, identity)).fetch(BLOB, _forget)
    assert len(thief.seen) == 1


async def test_an_upload_elsewhere_takes_no_credentials_along(opened: Opener) -> None:
    async def storage(_: web.Request) -> web.Response:
        return web.Response(status=201)

    async def registry(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != BASIC:
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=r"})
        location = f"http://{elsewhere.address}/1"
        return web.Response(status=202, headers={"Location": location})

    async with serving(storage) as elsewhere, serving(registry) as server:
        repository = await opened(server, ANN, push=True)
        await repository.upload(BLOB.digest, 0, lambda: open("/dev/null", "rb"), lambda _: None)  # noqa: SIM115
    assert authorizations(elsewhere) == [""]


class Silent:
    """Sends nothing, and remembers what it was to send."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Response:
        self.calls.append(call)
        raise UnavailableError("silent")


async def test_a_verified_registry_may_not_have_passwords_sent_in_the_clear() -> None:
    silent = Silent()
    endpoint = Endpoint("https://r.invalid", "r.invalid", verified=True)
    line = Line(silent, endpoint, Contexts(()).unverified(), Limits(pauses=()))
    call = Call(method="GET", url="https://r.invalid/v2/")
    challenge = Challenge("bearer", {"realm": "http://auth.invalid/token"})
    for credentials, refused in ((Credentials("ann", "secret"), True), (Credentials(), False)):
        authorizer = Authorizer(line, credentials, (), TokenCache(lambda: 0.0))
        authorizer.learn([challenge])
        with pytest.raises(InvalidError if refused else UnavailableError):
            await authorizer.grant(call)
        assert bool(silent.calls) is not refused
