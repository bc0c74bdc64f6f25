"""Delivery of events, to receivers on the loopback, from a catalog in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from fixtures.exchanges import exchange
from fixtures.web import serving
from wherry.base.errors import UnavailableError
from wherry.registry.server.catalog.catalog import Catalog, Event
from wherry.registry.server.operate import pull_events, webhooks
from wherry.registry.server.operate.envelope import MEDIA_TYPE, Origin, signature
from wherry.registry.server.operate.webhooks import Webhooks, cursor_name
from wherry.registry.server.settings import Webhook

ALL = ("push", "delete", "pull", "mount")


@dataclass
class Events:
    """As much of a catalog as webhooks use."""

    written: list[Event] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    claims: dict[str, tuple[str, float]] = field(default_factory=dict)
    away: bool = False
    advanced: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, repository: str, action: str = "push") -> None:
        number = len(self.written) + 1
        self.written.append(Event(number, action, repository, "1", "sha256:a", "t", "ann", 0.0))

    async def events(self, after: int, limit: int) -> list[Event]:
        return [event for event in self.written if event.id > after][:limit]

    async def cursor(self, name: str) -> int:
        return self.cursors.setdefault(name, len(self.written))

    async def advance(self, name: str, event: int) -> None:
        self.cursors[name] = event
        self.advanced.set()

    async def settled(self) -> None:
        """Wait until everything that was written has been delivered."""
        async with asyncio.timeout(10):
            while set(self.cursors.values()) != {len(self.written)}:
                self.advanced.clear()
                await self.advanced.wait()

    async def claim(self, task: str, owner: str, now: float, until: float) -> bool:
        if self.away:
            raise UnavailableError("the database is away")
        holder, ends = self.claims.get(task, (owner, 0.0))
        if holder != owner and ends > now:
            return False
        self.claims[task] = (owner, until)
        return True


@dataclass
class Receiver:
    """Takes events, after the answers that it is told to give first."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    pause: float = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.arrived.set()
        await asyncio.sleep(self.pause)
        status = self.answers.pop(0) if self.answers else 200
        async with self.news:
            self.requests.append((dict(request.headers), body))
            if status == 200:
                self.taken += json.loads(body)["events"]
            self.news.notify_all()
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async def wait(self, check: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(check)

    @property
    def repositories(self) -> list[str]:
        return [event["target"]["repository"] for event in self.taken]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with serving(made.answer) as server:
        made.url = f"http://{server.address}/hook"
        yield made


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(webhooks, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(pull_events, "_PAUSE", 0.01)


@contextlib.asynccontextmanager
async def delivering(
    catalog: Events, webhook: Webhook, failed: list[str] | None = None
) -> AsyncIterator[Webhooks]:
    told = failed.append if failed is not None else lambda _: None
    async with aiohttp.ClientSession() as session:
        made = Webhooks(cast("Catalog", catalog), [webhook], Origin("node"), session, told)
        await made.begin()
        running = asyncio.create_task(made.run())
        yield made
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_events_arrive_signed_and_in_order(receiver: Receiver) -> None:
    catalog = Events()
    catalog.push("before/it/was/there")
    async with delivering(catalog, Webhook(receiver.url, secret="word")) as made:
        for number in range(120):
            catalog.push(f"app-{number}")
        made.finished(exchange(action="push", repository="app-0", status=201))
        await catalog.settled()
    assert receiver.repositories == [f"app-{number}" for number in range(120)]
    assert len(receiver.requests) == 3
    for headers, body in receiver.requests:
        assert headers["Content-Type"] == MEDIA_TYPE
        assert headers["X-Wherry-Signature-256"] == signature("word", body)
    assert catalog.cursors == {cursor_name(Webhook(receiver.url)): 121}


async def test_only_what_is_wanted_is_posted(receiver: Receiver) -> None:
    catalog = Events()
    webhook = Webhook(receiver.url, ("delete",), ("team/*",))
    async with delivering(catalog, webhook):
        for repository, action in (("team/a", "push"), ("other", "delete"), ("team/b", "delete")):
            catalog.push(repository, action)
        await receiver.wait(lambda: bool(receiver.taken))
    assert receiver.repositories == ["team/b"]
    assert "X-Wherry-Signature-256" not in receiver.requests[0][0]


@pytest.mark.parametrize("status", [500, 404, 302, 307])
async def test_what_is_not_taken_is_posted_again(receiver: Receiver, status: int) -> None:
    catalog, failed = Events(), list[str]()
    receiver.answers = [status] * 3
    async with delivering(catalog, Webhook(receiver.url), failed):
        catalog.push("app")
        await receiver.wait(lambda: bool(receiver.taken))
    assert receiver.repositories == ["app"]
    assert len(receiver.requests) == 4
    assert failed == ["webhook"] * 3


async def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    catalog = Events()
    dead = Webhook("http://127.0.0.1:1/secret-path")
    failed: list[str] = []
    async with delivering(catalog, dead, failed):
        catalog.push("app")
        async with asyncio.timeout(10):
            while len(failed) < 5:
                await asyncio.sleep(0.01)
    assert "secret-path" not in caplog.text
    # The first failure, the second, the fourth.
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 3


@pytest.mark.parametrize("killed", [True, False])
async def test_another_process_goes_on_where_the_first_was(
    receiver: Receiver, *, killed: bool
) -> None:
    catalog = Events()
    webhook = Webhook(receiver.url)
    async with delivering(catalog, webhook):
        catalog.push("first")
        await catalog.settled()
        claims = dict(catalog.claims)
    catalog.push("meanwhile")
    if killed:  # then its claim has to run out
        catalog.claims = {name: (owner, 0.0) for name, (owner, _) in claims.items()}
    async with delivering(catalog, webhook):
        await catalog.settled()
    assert receiver.repositories == ["first", "meanwhile"]


async def test_a_slow_receiver_keeps_its_process(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_RENEW_SECONDS", 0.02)
    monkeypatch.setattr(webhooks, "CLAIM_SECONDS", 0.06)
    catalog = Events()
    receiver.pause = 0.3
    async with delivering(catalog, Webhook(receiver.url)):
        catalog.push("app")
        await receiver.arrived.wait()
        [(_, until)] = catalog.claims.values()
        await catalog.settled()
        [(_, later)] = catalog.claims.values()
        assert later - until > 0.1
    assert receiver.repositories == ["app"]


async def test_one_process_delivers(receiver: Receiver) -> None:
    catalog = Events()
    webhook = Webhook(receiver.url)
    async with delivering(catalog, webhook), delivering(catalog, webhook):
        for number in range(5):
            catalog.push(f"app-{number}")
            await receiver.wait(lambda wanted=number + 1: len(receiver.taken) >= wanted)
    assert receiver.repositories == [f"app-{number}" for number in range(5)]
    assert len(catalog.claims) == 1


async def test_the_database_may_be_away(receiver: Receiver) -> None:
    catalog, failed = Events(away=True), list[str]()
    async with delivering(catalog, Webhook(receiver.url), failed):
        catalog.push("app")
        async with asyncio.timeout(10):
            while not failed:
                await asyncio.sleep(0.01)
        catalog.away = False
        await receiver.wait(lambda: bool(receiver.taken))
    assert set(failed) == {"database"}


async def test_a_receiver_that_does_not_answer_is_given_up_on() -> None:
    catalog, failed = Events(), list[str]()
    asked = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(60)
        raise AssertionError

    async with (
        serving(hang) as server,
        delivering(catalog, Webhook(f"http://{server.address}/", timeout=0.1), failed),
    ):
        catalog.push("app")
        async with asyncio.timeout(10):
            await asked.wait()
            while not failed:
                await asyncio.sleep(0.01)


async def test_pulls_come_as_well_as_it_goes(receiver: Receiver) -> None:
    catalog = Events()
    receiver.answers = [500]
    async with delivering(catalog, Webhook(receiver.url, ("pull",))) as made:
        made.finished(exchange(action="pull", status=404, repository="nothing"))
        made.finished(exchange(action="push", status=201, repository="nothing"))
        made.finished(exchange(action="pull", status=200, repository="lost"))
        await receiver.wait(lambda: len(receiver.requests) == 1)
        made.finished(exchange(action="pull", status=200, repository="app"))
        await receiver.wait(lambda: bool(receiver.taken))
    assert receiver.repositories == ["app"]
    assert catalog.cursors == {}  # nothing of the catalog is held for it


async def test_pulls_that_nobody_takes_are_bounded(receiver: Receiver) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = Webhook(receiver.url, ALL)
        made = Webhooks(cast("Catalog", Events()), [webhook], Origin("node"), session)
        for number in range(pull_events.MOST + 5):
            made.finished(exchange(action="pull", status=200, repository=f"app-{number}"))
        running = asyncio.create_task(made.run())
        await receiver.wait(lambda: len(receiver.taken) == pull_events.MOST)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert receiver.repositories[0] == "app-5"
