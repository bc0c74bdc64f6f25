"""Search at registries that have it, have it not, and want to know who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from fixtures.web import serving
from wherry.base.errors import InvalidError, UnauthorisedError, UnavailableError
from wherry.registry.auth.credentials import Credentials
from wherry.registry.client import RegistryClient
from wherry.registry.client import registry as module
from wherry.registry.client.endpoints import Endpoint, Site
from wherry.wire.requests import AuthConfig

ANN = AuthConfig(username="ann", password="secret")
FOUND = {
    "num_results": 2,
    "query": "app",
    "results": [
        {"name": "team/app", "description": "red \x1b[31m\ntext", "star_count": 3},
        {"name": "app", "description": None, "is_official": True, "is_automated": True},
    ],
}
Handler = Callable[[web.Request], Awaitable[web.Response]]


def answering(reply: object, status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        return web.json_response(reply, status=status)

    return handle


async def test_results_are_fit_to_be_shown(client: RegistryClient) -> None:
    async with serving(answering(FOUND)) as server:
        one, two = await client.search(server.address, "app & co", 7, None)
    assert (one.name, one.description, one.star_count) == ("team/app", "red [31m text", 3)
    assert (two.name, two.description, two.is_official) == ("app", "", True)
    assert server.paths("GET") == ["/v2/", "/v1/search?q=app+%26+co&n=7"]


async def test_a_term_without_a_registry_is_for_the_hubs_index(
    client: RegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(answering(FOUND)) as server:
        index = Site((Endpoint(f"http://{server.address}", server.address, verified=False),))
        monkeypatch.setattr(module, "INDEX", index)
        assert len(await client.search("docker.io", "app", 25, None)) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "unexpected status code 404: http://{}/v1/search is not there"),
     (500, "unexpected status code 500")],
)  # fmt: skip
async def test_a_registry_that_does_not_search(
    client: RegistryClient, status: int, words: str
) -> None:
    async with serving(answering({}, status)) as server:
        with pytest.raises(UnavailableError) as caught:
            await client.search(server.address, "app", 25, None)
        if status == 404:
            assert str(caught.value) == words.format(server.address)


@pytest.mark.parametrize("reply", [[], {"results": [1]}, {"results": [{"star_count": "many"}]}])
async def test_what_is_no_answer(client: RegistryClient, reply: object) -> None:
    async with serving(answering(reply)) as server:
        with pytest.raises(InvalidError):
            await client.search(server.address, "app", 25, None)


async def test_with_basic_credentials(client: RegistryClient) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") == Credentials("ann", "secret").basic():
            return web.json_response(FOUND)
        return web.json_response({}, status=401, headers={"WWW-Authenticate": 'Basic realm="r"'})

    async with serving(handle) as server:
        assert len(await client.search(server.address, "app", 25, ANN)) == 2
        with pytest.raises(UnauthorisedError):
            await client.search(server.address, "app", 25, None)


async def test_with_a_token_for_lists(client: RegistryClient) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            assert request.query["scope"] == "registry:catalog:*"
            return web.json_response({"token": "t"})
        if request.headers.get("Authorization") == "Bearer t":
            return web.json_response(FOUND)
        challenge = f'Bearer realm="http://{request.host}/token",service="s"'
        return web.json_response({}, status=401, headers={"WWW-Authenticate": challenge})

    async with serving(handle) as server:
        assert len(await client.search(server.address, "app", 25, ANN)) == 2
