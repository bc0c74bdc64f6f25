from __future__ import annotations

import base64

import pytest

from fixtures.hosted_parts import push_image
from fixtures.page_visits import PASSWORDS, Visitor
from wherry.base.errors import UnavailableError
from wherry.registry.server.hosted.backend import HostedBackend


@pytest.mark.parametrize("path", ["/v2/", "/token", "/metrics", "/favicon.png", "/rx"])
async def test_other_paths_are_left_to_others(visitor: Visitor, path: str) -> None:
    assert (await visitor.get(path)).text == "no site"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/r/app", "GET, HEAD"),
        ("DELETE", "/delete", "GET, HEAD, POST"),
        ("GET", "/logout", "POST"),
        ("OPTIONS", "/static/x/pages.css", "GET, HEAD"),
    ],
)
async def test_only_what_a_page_does_is_allowed(
    visitor: Visitor, method: str, path: str, allowed: str
) -> None:
    answer = await visitor.ask(method, path)
    assert answer.status == 405
    assert sorted(answer.headers["Allow"].split(", ")) == sorted(allowed.split(", "))


async def test_the_head_of_a_page_has_no_body(visitor: Visitor) -> None:
    answer = await visitor.ask("HEAD", "/")
    assert answer.status == 200
    assert answer.text == ""
    assert int(answer.headers["Content-Length"]) > 1000


async def test_exchanges_say_that_it_was_a_page(visitor: Visitor) -> None:
    await push_image(visitor.parts.backend(), "team/app", "1")
    await visitor.get("/r/team/app/tags/1")
    exchange = visitor.exchanges[-1]
    assert (exchange.route, exchange.repository, exchange.reference) == ("page", "team/app", "1")
    assert exchange.action == ""


async def test_names_that_cannot_be_are_told(visitor: Visitor) -> None:
    for path in ("/r/", "/r/%00", "/r/..%2f..%2fetc", "/r/UPPER", "/r/a/tags/%0a", "/r/a/@x:y"):
        answer = await visitor.get(path)
        assert answer.status == 400, path
        assert "To the repositories" in answer.text


async def test_a_storage_that_is_away_has_a_page(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise UnavailableError("the database does not answer")

    monkeypatch.setattr(HostedBackend, "search", away)
    answer = await visitor.get("/")
    assert answer.status == 503
    assert "the database does not answer" in answer.text
    assert visitor.exchanges[-1].detail == "the database does not answer"


async def test_programs_with_credentials_see_what_they_may(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "secret/plan", "1")
    given = base64.b64encode(f"ann:{PASSWORDS['ann']}".encode()).decode()
    answer = await stranger.get("/r/secret/plan", Authorization=f"Basic {given}")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    wrong = base64.b64encode(b"ann:wrong").decode()
    answer = await stranger.get("/r/secret/plan", Authorization=f"Basic {wrong}")
    assert answer.text.startswith("AuthenticationRequiredError")


async def test_pages_for_anyone_are_asked_for_again(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "public/app", "1")
    headers = (await stranger.get("/")).headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Vary"] == "Cookie, Authorization"
