"""A guard with accounts, robots and rules, on a clock that tests move."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import aiohttp
import bcrypt
import pytest
from aiohttp import web

from wherry.base.errors import WherryError
from wherry.registry.server.access.access_guard import AccessGuard, Deciders
from wherry.registry.server.access.guard import (
    AuthenticationRequiredError,
    Caller,
    Peer,
    TooManyRequestsError,
)
from wherry.registry.server.access.htpasswd import Accounts
from wherry.registry.server.access.logins import Logins
from wherry.registry.server.access.passwords import Passwords
from wherry.registry.server.access.robots import Robots
from wherry.registry.server.access.rules import Rules
from wherry.registry.server.access.tokens import Tokens
from wherry.registry.server.catalog.catalog import Catalog, Robot
from wherry.registry.server.http.exchange import Exchange, Site
from wherry.registry.server.settings import Access, Rule

PASSWORDS = {"ann": "ann's secret", "bob": "bob's secret", "root": "root's secret"}
RULES = (
    Rule(("public/*",), pull=("anyone",), push=("ann",)),
    Rule(("team/*",), pull=("accounts",), push=("ann",), delete=("ann",)),
    Rule(("drop",), push=("bob",)),
)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Shelf:
    """The part of a catalog that access needs, in memory; `asked` counts looks for a robot."""

    rows: dict[str, Robot] = field(default_factory=dict)
    asked: int = 0

    async def robots(self) -> list[Robot]:
        return [self.rows[name] for name in sorted(self.rows)]

    async def robot(self, name: str) -> Robot | None:
        self.asked += 1
        return self.rows.get(name)

    async def put_robot(self, robot: Robot) -> None:
        self.rows[robot.name] = robot

    async def delete_robot(self, name: str) -> bool:
        return self.rows.pop(name, None) is not None

    async def secret(self, name: str, proposal: bytes) -> bytes:
        return proposal

    @property
    def catalog(self) -> Catalog:
        return cast(Catalog, self)


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def write_accounts(path: Path, passwords: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}:{hashed(word)}\n" for name, word in passwords.items()))


@dataclass
class Place:
    """A guard and what it decides by."""

    guard: AccessGuard
    shelf: Shelf
    file: Path
    clock: Clock

    def peer(self, authorization: str = "", address: str = "192.0.2.1") -> Peer:
        headers = {"authorization": authorization} if authorization else {}
        return Peer(address, headers, "https://registry.test:5000")

    def basic(self, name: str, password: str | None = None) -> str:
        word = PASSWORDS.get(name, "") if password is None else password
        return "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()

    async def caller(self, authorization: str = "") -> Caller:
        return await self.guard.identify(self.peer(authorization))


@pytest.fixture
def clock() -> Clock:
    return Clock()


Build = Callable[[Access], Place]


@pytest.fixture
def build(tmp_path: Path, clock: Clock) -> Build:
    """Make a guard from settings; the file of accounts is that of PASSWORDS."""
    file = tmp_path / "htpasswd"
    write_accounts(file, PASSWORDS)

    def made(access: Access) -> Place:
        shelf = Shelf()
        accounts = Accounts(str(file), clock)
        accounts.load()
        deciders = Deciders(
            accounts=accounts,
            passwords=Passwords(accounts, clock),
            robots=Robots(shelf.catalog, clock, clock),
            rules=Rules(access),
            tokens=Tokens(b"s" * 32, access.token_seconds, clock),
            logins=Logins(access.rates, clock),
            realm=access.realm,
        )
        return Place(AccessGuard(deciders), shelf, file, clock)

    return made


@pytest.fixture
def place(build: Build) -> Place:
    return build(Access(htpasswd="x", rules=RULES, administrators=("root",)))


@dataclass
class Served:
    """Sites served over HTTP for a guard: errors become statuses; exchanges are kept."""

    url: str
    client: aiohttp.ClientSession
    exchanges: list[Exchange]

    def ask(
        self, method: str, path: str, authorization: str = "", **more: object
    ) -> aiohttp.client._RequestContextManager:
        headers = {"Authorization": authorization} if authorization else {}
        return self.client.request(method, self.url + path, headers=headers, **more)  # type: ignore[arg-type]


Serve = Callable[[Place, Site], Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve a site as the registry's HTTP side does, as far as access is concerned."""
    runners: list[web.ServerRunner] = []
    clients: list[aiohttp.ClientSession] = []

    async def served(place: Place, site: Site) -> Served:
        exchanges: list[Exchange] = []

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            headers = {name.lower(): value for name, value in request.headers.items()}
            peer = replace(place.peer(), headers=headers)
            exchange = Exchange(request, peer, "1")
            exchanges.append(exchange)
            try:
                exchange.caller = await place.guard.identify(peer)
                answer = await site.answer(exchange)
                response = answer or web.Response(status=404)
            except WherryError as error:
                response = refusal(error)
            exchange.status = response.status
            return response

        runner = web.ServerRunner(web.Server(handle))
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        clients.append(aiohttp.ClientSession())
        port = runner.addresses[0][1]
        return Served(f"http://127.0.0.1:{port}", clients[-1], exchanges)

    yield served
    for client in clients:
        await client.close()
    for runner in runners:
        await runner.cleanup()


def refusal(error: WherryError) -> web.Response:
    match error:
        case AuthenticationRequiredError():
            response = web.Response(status=401, text=str(error))
            for value in error.challenges:
                response.headers.add("WWW-Authenticate", value)
            return response
        case TooManyRequestsError():
            return web.Response(status=429, text=str(error))
    return web.Response(status=400, text=str(error))
