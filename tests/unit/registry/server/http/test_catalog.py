"""The list of repositories over HTTP."""

from __future__ import annotations

import pytest

from fixtures.registry_server import Served, Serving, serving
from wherry.registry.server.access.guard import (
    Action,
    AuthenticationRequiredError,
    Caller,
    OpenGuard,
    Peer,
)

PATH = "/v2/_catalog"
NAMES = ["a", "b/c", "b/d", "e"]


class TeamGuard(OpenGuard):
    """Knows whoever comes with a token for a catalog, and shows him one folder."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def identify(self, peer: Peer) -> Caller:
        return self._caller

    def require_login(self, peer: Peer, caller: Caller, scope: str = "") -> None:
        if caller.grants is None:
            bearer = f'Bearer realm="x",scope="{scope}"'
            raise AuthenticationRequiredError("log in", [bearer, "Basic"])

    def may(self, caller: Caller, name: str, action: Action) -> bool:
        return name.startswith("b/")


@pytest.fixture
async def filled(registry: Served) -> Served:
    for name in reversed(NAMES):
        await registry.push_image(name, "latest")
    return registry


@pytest.mark.parametrize(
    ("query", "names", "link"),
    [
        ("", NAMES, ""),
        ("?n=2", NAMES[:2], '</v2/_catalog?last=b%2Fc&n=2>; rel="next"'),
        ("?n=2&last=b%2Fc", NAMES[2:], ""),
        ("?n=0", [], ""),
    ],
)
async def test_pages(filled: Served, query: str, names: list[str], link: str) -> None:
    answer = await filled.ask("GET", PATH + query)
    assert (answer.status, answer.json()) == (200, {"repositories": names})
    assert answer.headers.get("Link", "") == link


async def test_only_what_the_caller_may_pull(filled: Served) -> None:
    guard = TeamGuard(Caller(grants={"registry:catalog": frozenset({"*"})}))
    async with serving(filled.backend, Serving(guard=guard)) as served:
        answer = await served.ask("GET", PATH)
        assert answer.json() == {"repositories": ["b/c", "b/d"]}
        answer = await served.ask("GET", f"{PATH}?n=1")
        assert answer.json() == {"repositories": ["b/c"]}
        assert "last=b%2Fc" in answer.headers["Link"]


@pytest.mark.parametrize("grants", [None, {}, {"registry:catalog": frozenset[str]()}])
async def test_whoever_lacks_the_scope_is_told_of_it(
    filled: Served, grants: dict[str, frozenset[str]] | None
) -> None:
    async with serving(filled.backend, Serving(guard=TeamGuard(Caller(grants=grants)))) as served:
        answer = await served.ask("GET", PATH)
        assert answer.status == 401
        asked = ['Bearer realm="x",scope="registry:catalog:*"', "Basic"]
        assert answer.all("WWW-Authenticate") == asked
