"""Search and distribution, in the API's shapes."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from wherry.base.errors import UnauthorisedError
from wherry.engine.images.search import RemoteImage
from wherry.oci.image import Descriptor, Platform
from wherry.registry.client.search import SearchResult

Answer = tuple[int, dict[str, str], bytes]
Ask = Callable[..., Awaitable[Answer]]


async def test_search(services: SimpleNamespace, ask: Ask) -> None:
    asked: dict[str, Any] = {}

    async def search(term: str, **wanted: Any) -> list[SearchResult]:
        asked.update(wanted, term=term)
        return [SearchResult("team/app", "words", 3)]

    services.images.search = search
    auth = base64.urlsafe_b64encode(b'{"username": "ann"}').decode()
    target = "/v1.51/images/search?term=app&limit=5&filters=%7B%22stars%22:%7B%223%22:true%7D%7D"
    status, _, body = await ask("GET", target, **{"X-Registry-Auth": auth})
    assert (status, json.loads(body)) == (
        200,
        [
            {
                "star_count": 3,
                "is_official": False,
                "name": "team/app",
                "is_automated": False,
                "description": "words",
            }
        ],
    )
    assert (asked["term"], asked["limit"], asked["filters"]) == ("app", 5, {"stars": ["3"]})
    assert asked["credentials"].username == "ann"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=-1", "invalid limit specified"),
        ("limit=x", "limit"),
        ("filters=%7B%22x%22:[%22y%22]%7D", "invalid filter 'x'"),
    ],
)
async def test_searches_that_make_no_sense(ask: Ask, query: str, words: str) -> None:
    status, _, body = await ask("GET", f"/images/search?term=x&{query}")
    assert status == 400
    assert words in json.loads(body)["message"]


async def test_distribution(services: SimpleNamespace, ask: Ask) -> None:
    async def inspect_remote(text: str, **_: Any) -> RemoteImage:
        platforms = [Platform("arm", "linux", variant="v7")] if text == "r.test/team/app:1" else []
        return RemoteImage(Descriptor("application/json", "sha256:1", 7), platforms)

    services.images.inspect_remote = inspect_remote
    status, _, body = await ask("GET", "/v1.51/distribution/r.test/team/app:1/json")
    assert (status, json.loads(body)) == (
        200,
        {
            "Descriptor": {"mediaType": "application/json", "digest": "sha256:1", "size": 7},
            "Platforms": [{"architecture": "arm", "os": "linux", "variant": "v7"}],
        },
    )
    _, _, body = await ask("GET", "/distribution/app/json")
    assert json.loads(body)["Platforms"] is None
    status, _, body = await ask("GET", f"/distribution/{'a' * 64}/json")
    assert (status, json.loads(body)) == (500, {"message": "no manifest found for full image ID"})


@pytest.mark.parametrize(
    ("method", "target", "verb"),
    [
        ("GET", "/images/search?term=x", "search"),
        ("GET", "/distribution/x/json", "inspect_remote"),
        ("POST", "/images/create?fromImage=x", "pull"),
        ("POST", "/images/x/push", "push"),
    ],
)
async def test_a_registry_that_wants_a_login_is_not_the_engine_that_wants_one(
    services: SimpleNamespace, ask: Ask, method: str, target: str, verb: str
) -> None:
    """The docker client would ask for a password, and wait for it for ever."""

    async def refused(*_: object, **__: object) -> None:
        raise UnauthorisedError("no basic auth credentials")

    setattr(services.images, verb, refused)
    status, _, body = await ask(method, target)
    assert (status, json.loads(body)) == (500, {"message": "no basic auth credentials"})
