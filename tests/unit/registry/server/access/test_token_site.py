"""The token service, asked as clients ask it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from wherry.registry.auth.token import read_token
from wherry.registry.server.access import token_site as module
from wherry.registry.server.access.guard import Caller
from wherry.registry.server.access.robots import NewRobot, create_robot
from wherry.registry.server.access.token_site import TokenSite

SERVICE = "registry.test:5000"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def served(place, serve):
    return await serve(place, TokenSite(place.guard, place.clock))


async def get(served, query: str, authorization: str = "", status: int = 200):
    async with served.ask("GET", f"/token?{query}", authorization) as reply:
        assert reply.status == status, await reply.text()
        return await reply.json() if status == 200 else await reply.text()


async def post(served, form: dict[str, str] | str, status: int = 200):
    body = form if isinstance(form, str) else urlencode(form)
    async with served.client.post(served.url + "/token", data=body, headers=FORM) as reply:
        assert reply.status == status, await reply.text()
        return await reply.json() if status == 200 else await reply.text()


async def whom(place, token: str) -> Caller:
    return await place.caller(f"Bearer {token}")


def grants(**actions: str) -> dict[str, frozenset[str]]:
    return {name.replace("_", "/"): frozenset(listed.split()) for name, listed in actions.items()}


async def test_docker_asks_for_a_push(place, served) -> None:
    query = f"account=ann&scope=repository%3Ateam%2Fa%3Apull%2Cpush&service={SERVICE}"
    reply = await get(served, query, place.basic("ann"))
    assert reply["token"] == reply["access_token"]
    assert reply["expires_in"] == 300
    issued = datetime.fromisoformat(reply["issued_at"])
    assert issued == datetime.fromtimestamp(place.clock(), UTC)
    assert reply["scope"] == "repository:team/a:pull,push"
    assert "refresh_token" not in reply
    caller = await whom(place, reply["token"])
    assert (caller.name, caller.grants) == ("ann", grants(team_a="pull push"))
    [exchange] = served.exchanges
    assert (exchange.route, exchange.action, exchange.caller.name) == ("token", "login", "ann")


async def test_nobody_gets_a_token_for_what_is_public(place, served) -> None:
    scopes = "scope=repository:public/a:pull&scope=repository:team/a:pull"
    reply = await get(served, f"{scopes}&offline_token=true")
    assert reply["scope"] == "repository:public/a:pull"
    assert "refresh_token" not in reply
    assert await whom(place, reply["token"]) == Caller("", "192.0.2.1", grants(public_a="pull"))
    assert served.exchanges[0].action == ""


async def test_several_scopes_however_they_are_sent(place, served) -> None:
    both = grants(team_a="pull push", public_b="pull")
    for query in (
        "scope=repository:team/a:pull,push&scope=repository:public/b:pull",
        "scope=repository:team/a:pull,push+repository(plugin):public/b:pull",
        "scope=repository:team/a:pull&scope=repository:public/b:pull+repository:team/a:push",
    ):
        reply = await get(served, query, place.basic("ann"))
        assert (await whom(place, reply["token"])).grants == both


async def test_less_than_was_asked_for_is_no_error(place, served) -> None:
    query = "scope=repository:team/a:pull,push,conquer&scope=nonsense&scope=registry:catalog:*"
    reply = await get(served, query, place.basic("bob"))
    assert reply["scope"] == "repository:team/a:pull registry:catalog:*"
    assert (await get(served, "", place.basic("bob")))["scope"] == ""


async def test_private_and_unknown_repositories_get_the_same_token(served) -> None:
    replies = [
        await get(served, f"scope=repository:{name}:pull,push") for name in ("team/a", "never/a")
    ]
    for reply in replies:
        del reply["token"], reply["access_token"]
    assert replies[0] == replies[1]


async def test_wrong_credentials(place, served) -> None:
    for name in ("ann", "eve"):
        async with served.ask("GET", "/token", place.basic(name, "wrong")) as reply:
            assert reply.status == 401
            assert await reply.text() == "incorrect username or password"
            challenges = reply.headers.getall("WWW-Authenticate")
        assert [one.split()[0] for one in challenges] == ["Bearer", "Basic"]


async def test_our_own_client_reads_the_reply(place, served) -> None:
    async with served.ask("GET", "/token?offline_token=true", place.basic("ann")) as reply:
        token = read_token(await reply.read(), 0.0)
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.content_type == "application/json"
    assert (await whom(place, token.value)).name == "ann"
    assert token.identity_token


async def test_a_refresh_token_gets_others(place, served) -> None:
    reply = await get(served, "offline_token=true&client_id=docker", place.basic("ann"))
    refresh = reply["refresh_token"]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh,
        "service": SERVICE,
        "client_id": "docker",
        "scope": "repository:team/a:pull,push repository:public/b:pull",
    }
    reply = await post(served, form)
    caller = await whom(place, reply["access_token"])
    assert (caller.name, caller.grants) == ("ann", grants(team_a="pull push", public_b="pull"))
    assert reply["refresh_token"] == refresh
    assert reply["scope"] == form["scope"]
    assert served.exchanges[-1].caller.name == "ann"


async def test_several_scope_fields_in_a_form(place, served) -> None:
    reply = await get(served, "offline_token=true", place.basic("ann"))
    form = f"grant_type=refresh_token&refresh_token={reply['refresh_token']}"
    reply = await post(served, form + "&scope=repository:team/a:pull&scope=repository:team/b:pull")
    assert set((await whom(place, reply["token"])).grants or ()) == {"team/a", "team/b"}


async def test_a_refresh_token_ends_with_the_password(place, served) -> None:
    reply = await get(served, "offline_token=true", place.basic("ann"))
    form = {"grant_type": "refresh_token", "refresh_token": reply["refresh_token"]}
    lines = place.file.read_text().splitlines(keepends=True)
    place.file.write_text("".join(line for line in lines if not line.startswith("ann:")))
    await place.guard.reload()
    assert "log in again" in await post(served, form, status=401)


async def test_a_refresh_token_is_for_nothing_else(place, served) -> None:
    reply = await get(served, "offline_token=true", place.basic("ann"))
    bearer = f"Bearer {reply['refresh_token']}"
    async with served.ask("GET", "/token", bearer) as answer:
        assert answer.status == 401
    for wrong in ("", "x", reply["access_token"]):
        form = {"grant_type": "refresh_token", "refresh_token": wrong}
        await post(served, form, status=401)


async def test_a_token_gets_no_other_tokens(place, served) -> None:
    reply = await get(served, "scope=repository:team/a:pull", place.basic("ann"))
    bearer = f"Bearer {reply['token']}"
    told = await get(served, "scope=repository:team/a:push", bearer, status=401)
    assert "log in" in told


@pytest.mark.parametrize("offline", [True, False])
async def test_a_password_in_a_form(place, served, offline: bool) -> None:
    form = {
        "grant_type": "password",
        "username": "ann",
        "password": "ann's secret",
        "service": SERVICE,
        "client_id": "containerd-client",
        "scope": "repository:team/a:pull",
    } | ({"access_type": "offline"} if offline else {})
    reply = await post(served, form)
    assert (await whom(place, reply["access_token"])).grants == grants(team_a="pull")
    assert ("refresh_token" in reply) is offline
    assert served.exchanges[0].caller.name == "ann"
    assert served.exchanges[0].action == "login"
    told = await post(served, form | {"password": "wrong"}, status=401)
    assert told == "incorrect username or password"


async def test_a_robot_by_each_way(place, served) -> None:
    new = NewRobot("ci", {"own/*": ("pull", "push")})
    secret = await create_robot(place.shelf.catalog, new, place.clock())
    query = "scope=repository:own/a:pull,push&scope=repository:team/a:pull&offline_token=true"
    reply = await get(served, query, place.basic("robot:ci", secret))
    assert await whom(place, reply["token"]) == Caller(
        "robot:ci", "192.0.2.1", grants(own_a="pull push")
    )
    again = {"grant_type": "refresh_token", "refresh_token": reply["refresh_token"]}
    assert (await whom(place, (await post(served, again))["token"])).name == "robot:ci"
    # Clients keep the name as what comes before the first colon.
    for name, password in (("robot", f"ci:{secret}"), ("robot:ci", secret)):
        form = {"grant_type": "password", "username": name, "password": password}
        assert (await whom(place, (await post(served, form))["token"])).name == "robot:ci"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("", "grant_type"),
        ("grant_type=authorization_code", "grant_type"),
        ("grant_type=password&x=%ff", "cannot be read"),
        ("grant_type=pässword", "cannot be read"),
        ("&".join(f"a{n}=1" for n in range(200)), "cannot be read"),
        ("grant_type=password&x=" + "a" * (65 << 10), "longer than"),
    ],
)
async def test_forms_that_mean_nothing(served, form: str, words: str) -> None:
    assert words in await post(served, form, status=400)


async def test_a_body_of_another_type(served) -> None:
    async with served.client.post(served.url + "/token", json={"grant_type": "password"}) as reply:
        assert reply.status == 400


async def test_a_form_that_does_not_arrive(served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FORM_SECONDS", 0.01)

    async def half():
        yield b"grant_type="
        while not served.exchanges or not served.exchanges[0].status:
            await asyncio.sleep(0.001)

    headers = FORM | {"Content-Length": "100"}
    async with served.client.post(served.url + "/token", data=half(), headers=headers) as reply:
        assert "did not arrive" in await reply.text()


async def test_too_many_scopes(served) -> None:
    query = "&".join(f"scope=repository:a{number}:pull" for number in range(40))
    assert "several tokens" in await get(served, query, status=400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/token", 405),
        ("GET", "/token/", 404),
        ("GET", "/v2/", 404),
        ("HEAD", "/token", 200),
    ],
)
async def test_other_paths_and_methods(served, method: str, path: str, status: int) -> None:
    async with served.ask(method, path) as reply:
        assert reply.status == status
