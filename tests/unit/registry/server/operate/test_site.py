"""/metrics, /healthz and /readyz."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from fixtures.exchanges import exchange
from fixtures.prometheus import read_metrics
from wherry.base.errors import UnavailableError
from wherry.registry.server.access.guard import (
    AuthenticationRequiredError,
    Caller,
    DeniedError,
    OpenGuard,
    Peer,
)
from wherry.registry.server.operate import site as module
from wherry.registry.server.operate.metrics import Metrics
from wherry.registry.server.operate.site import Figures, OperationsSite, Readiness


class Strict(OpenGuard):
    """Knows ann alone."""

    def in_list(self, caller: Caller, entries: Sequence[str]) -> bool:
        return caller.name in entries

    def require_login(self, peer: Peer, caller: Caller, scope: str = "") -> None:
        if not caller.name:
            raise AuthenticationRequiredError("who?", ["Basic"])


@dataclass
class Part:
    """Something that is asked whether it answers."""

    reason: str = ""
    asked: int = 0
    holding: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.holding.set()

    async def check(self) -> None:
        self.asked += 1
        await self.holding.wait()
        if self.reason:
            raise UnavailableError(self.reason)


def made(readiness: Readiness | None = None, guard: OpenGuard | None = None) -> OperationsSite:
    return OperationsSite(
        Figures(Metrics()), readiness or Readiness({}), guard or Strict(), ["ann"]
    )


async def answered(
    site: OperationsSite, path: str, method: str = "GET", caller: str = ""
) -> web.Response:
    response = await site.answer(exchange(method, path, caller=caller))
    assert isinstance(response, web.Response)
    return response


async def test_other_paths_are_not_ours() -> None:
    assert await made().answer(exchange("GET", "/v2/")) is None


async def test_the_metrics_are_for_those_who_are_named() -> None:
    response = await answered(made(), "/metrics", caller="ann")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert isinstance(response.body, bytes)
    assert read_metrics(response.body.decode())
    with pytest.raises(AuthenticationRequiredError):
        await answered(made(), "/metrics")
    with pytest.raises(DeniedError):
        await answered(made(), "/metrics", caller="bob")
    assert (await answered(made(guard=OpenGuard()), "/metrics")).status == 200


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_nothing_can_be_put_there(path: str) -> None:
    assert (await answered(made(), path, "POST", "ann")).status == 405


async def test_alive_does_not_depend_on_anything() -> None:
    assert (await answered(made(Readiness({"x": Part("away").check})), "/healthz")).text == "ok\n"


async def test_ready_names_what_is_away_and_tells_the_log_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    database, storage = Part("10.1.2.3 refused"), Part()
    failed: list[str] = []
    readiness = Readiness(
        {"database": database.check, "storage": storage.check}, lambda: now[0], failed.append
    )
    site = made(readiness)
    caplog.set_level("INFO")
    for _ in range(3):
        response = await answered(site, "/readyz")
        assert (response.status, response.text) == (503, "not ready: database away\n")
    assert (database.asked, failed) == (1, ["database"])
    now[0] += module.CHECK_SECONDS
    await answered(site, "/readyz")
    database.reason = ""
    now[0] += module.CHECK_SECONDS
    assert (await answered(site, "/readyz")).text == "ready\n"
    assert [record.getMessage() for record in caplog.records] == [
        "not ready: database: 10.1.2.3 refused",
        "ready again: database",
    ]


async def test_a_part_that_does_not_answer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    part = Part()
    part.holding.clear()
    readiness = Readiness({"storage": part.check})
    asked = await asyncio.gather(*(readiness.away() for _ in range(5)))
    assert asked == [["storage"]] * 5
    assert part.asked == 1
    await readiness.close()
