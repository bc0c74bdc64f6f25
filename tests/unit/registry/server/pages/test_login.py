from __future__ import annotations

import base64
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from fixtures.hosted_parts import push_image
from fixtures.page_visits import PASSWORDS, Answer, Visitor, visiting, write_accounts
from wherry.registry.server.pages.sessions import SESSION_SECONDS
from wherry.registry.server.settings import Access


def cookies(answer: Answer) -> SimpleCookie:
    """Return the cookies that an answer sets."""
    return SimpleCookie("\n".join(answer.headers.getall("Set-Cookie")))  # type: ignore[attr-defined]


async def test_logging_in_leads_back_with_a_session(stranger: Visitor) -> None:
    answer = await stranger.log_in("ann", back="/r/secret/plan")
    assert (answer.status, answer.location) == (303, "/r/secret/plan")
    session = next(one for one in cookies(answer).values() if "session" in one.key)
    assert session["httponly"]
    assert session["samesite"] == "Strict"
    assert session["path"] == "/"
    assert not session["secure"]
    assert not session["expires"]
    page = await stranger.get("/")
    assert "Log out" in page.text
    assert stranger.exchanges[-1].caller.name == "ann"
    assert page.headers["Cache-Control"] == "no-store"


async def test_over_https_cookies_never_travel_without(stranger: Visitor) -> None:
    page = await stranger.get("/login", **{"X-Forwarded-Proto": "https"})
    (cookie,) = cookies(page).values()
    assert cookie.key.startswith("__Host-")
    assert cookie["secure"]


async def test_a_wrong_password_and_a_wrong_name_look_the_same(stranger: Visitor) -> None:
    answers = [await stranger.log_in("ann", "wrong"), await stranger.log_in("nobody", "wrong")]
    for answer, name in zip(answers, ("ann", "nobody"), strict=True):
        assert answer.status == 403
        assert "The name or the password is wrong." in answer.text
        assert f'value="{name}"' in answer.text
        assert 'wrong"' not in answer.text
    for exchange in stranger.exchanges[1::2]:
        assert exchange.action == "login"
        assert exchange.caller.name == ""
        given = base64.b64decode(exchange.peer.headers["authorization"].split()[1])
        assert given.endswith(b":wrong")


async def test_after_some_failures_one_has_to_wait(stranger: Visitor) -> None:
    for _ in range(3):
        assert (await stranger.log_in("ann", "wrong")).status == 403
    answer = await stranger.log_in("ann")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Too many attempts" in answer.text


async def test_logging_out_ends_the_session(stranger: Visitor) -> None:
    await stranger.log_in("ann")
    form = (await stranger.get("/login")).fields()
    assert form == {}  # whoever has logged in is led on
    form = (await stranger.get("/")).fields()
    answer = await stranger.post("/logout", form)
    assert (answer.status, answer.location) == (303, "/?message=logged-out")
    assert (await stranger.get("/r/secret/plan")).status == 303


async def test_nobody_else_logs_a_visitor_out(stranger: Visitor) -> None:
    await stranger.log_in("ann")
    assert (await stranger.post("/logout", {"token": "x"})).status == 403
    form = (await stranger.get("/")).fields()
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert (await stranger.post("/logout", form, **foreign)).status == 403
    assert "Log out" in (await stranger.get("/")).text


async def test_nobody_logs_a_visitor_in_as_somebody_else(stranger: Visitor) -> None:
    form = (await stranger.get("/login")).fields()
    given = {"name": "ann", "password": PASSWORDS["ann"]}
    assert (await stranger.post("/login", given)).status == 403
    stranger.client.cookie_jar.clear()
    assert (await stranger.post("/login", {**form, **given})).status == 403
    fresh = (await stranger.get("/login")).fields()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "", "Origin": ""}):
        assert (await stranger.post("/login", {**fresh, **given}, **headers)).status == 403
    assert (await stranger.post("/login", {**fresh, **given})).status == 303


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil", "/logout"])
async def test_a_login_leads_to_no_other_site(stranger: Visitor, back: str) -> None:
    assert (await stranger.log_in("ann", back=back)).location == "/"


async def test_a_session_ends_with_its_time(stranger: Visitor) -> None:
    await stranger.log_in("ann")
    stranger.parts.now += SESSION_SECONDS + 1
    assert (await stranger.get("/r/secret/plan")).status == 303


async def test_a_session_ends_with_the_account_or_its_password(stranger: Visitor) -> None:
    await stranger.log_in("ann")
    for accounts in ({"ann": "another one"}, {"bob": "b"}):
        write_accounts(stranger.accounts, accounts)
        await stranger.guard.reload()  # type: ignore[attr-defined]
        assert (await stranger.get("/r/secret/plan")).status == 303


async def test_where_nobody_is_asked_there_is_no_login(visitor: Visitor) -> None:
    assert (await visitor.get("/login")).location == "/"
    assert "Log in" not in (await visitor.get("/")).text
    assert (await visitor.post("/login", {"name": "a", "password": "b"})).status == 403


async def test_a_registry_that_is_read_by_anyone_offers_a_login(tmp_path: Path) -> None:
    access = Access(htpasswd=str(tmp_path / "accounts"))
    async with visiting(tmp_path, access) as visitor:
        await push_image(visitor.parts.backend(), "app", "1")
        assert (await visitor.get("/")).location == "/login"
        await visitor.log_in("bob")
        assert "app" in (await visitor.get("/")).text
