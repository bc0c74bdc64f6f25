"""GET /v2/."""

from __future__ import annotations

import pytest

from fixtures.registry_server import Served, Serving, serving
from wherry.registry.server.access.guard import (
    AuthenticationRequiredError,
    Caller,
    OpenGuard,
    Peer,
)


class LoginGuard(OpenGuard):
    def require_login(self, peer: Peer, caller: Caller, scope: str = "") -> None:
        realm = f'Bearer realm="{peer.base_url}/token"'
        raise AuthenticationRequiredError("authentication required", [realm, "Basic"])


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
async def test_the_base(registry: Served, path: str) -> None:
    answer = await registry.ask("GET", path)
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    head = await registry.ask("HEAD", path)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "2")


async def test_who_has_to_log_in(registry: Served) -> None:
    async with serving(registry.backend, Serving(guard=LoginGuard())) as served:
        answer = await served.ask("GET", "/v2/")
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
        challenges = [f'Bearer realm="{served.url}/token"', "Basic"]
        assert answer.all("WWW-Authenticate") == challenges
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


async def test_other_methods(registry: Served) -> None:
    answer = await registry.ask("POST", "/v2/", b"x")
    assert (answer.status, answer.code) == (405, "UNSUPPORTED")
    assert answer.headers["Allow"] == "GET, HEAD"
