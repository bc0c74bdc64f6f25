from __future__ import annotations

import re

import pytest

from fixtures.hosted_parts import push_image
from fixtures.page_visits import Answer, Visitor
from wherry.registry.server.pages.repositories import PAGE


def names(answer: Answer) -> list[str]:
    """Return the repositories that a page lists."""
    return re.findall(r'class="name" href="/r/([^"]+)"', answer.text)


async def test_an_empty_registry_shows_how_to_begin(visitor: Visitor) -> None:
    answer = await visitor.get("/")
    assert answer.status == 200
    host = visitor.url.removeprefix("http://")
    assert f"docker push {host}/busybox" in answer.text
    assert "docker login" not in answer.text


async def test_repositories_are_listed_with_what_people_want_to_know(visitor: Visitor) -> None:
    await push_image(visitor.parts.backend(), "team/app", "1", b"x" * 3_200_000)
    visitor.parts.now += 7200
    answer = await visitor.get("/")
    assert names(answer) == ["team/app"]
    assert "3.2 MB" in answer.text
    assert 'title="1970-01-12 13:46:40 UTC"' in answer.text


async def test_thousands_are_shown_in_pages(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    pushed = [f"many/r{number:03}" for number in range(PAGE + 1)]
    for name in pushed:
        await push_image(backend, name, "1")
    first = await visitor.get("/?q=many")
    assert names(first) == pushed[:PAGE]
    more = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert more is not None
    second = await visitor.get(more[1].replace("&amp;", "&"))
    assert names(second) == pushed[PAGE:]
    assert 'href="/?q=many">First page' in second.text


async def test_a_search_finds_by_parts_of_names(visitor: Visitor) -> None:
    for name in ("team/app", "team/other", "application"):
        await push_image(visitor.parts.backend(), name, "1")
    assert names(await visitor.get("/?q=APP")) == ["application", "team/app"]
    assert names(await visitor.get("/?q=%20other%20")) == ["team/other"]
    nothing = await visitor.get("/?q=zebra")
    assert nothing.status == 200
    assert "Show all repositories" in nothing.text


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%25", "q=_&after=%00", "q=%ff", "after=\u202e", "q=" + "x" * 5000]
)
async def test_a_search_for_what_no_name_has_finds_nothing(visitor: Visitor, query: str) -> None:
    await push_image(visitor.parts.backend(), "app", "1")
    answer = await visitor.get(f"/?{query}")
    assert answer.status == 200
    assert names(answer) == []


async def test_what_was_searched_for_is_escaped(visitor: Visitor) -> None:
    answer = await visitor.get("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in answer.text


async def test_a_stranger_sees_what_anyone_may_pull(stranger: Visitor) -> None:
    for name in ("public/app", "team/app", "secret/plan"):
        await push_image(stranger.parts.backend(), name, "1")
    assert names(await stranger.get("/")) == ["public/app"]
    assert names(await stranger.get("/?q=plan")) == []
    await stranger.log_in("bob")
    assert names(await stranger.get("/")) == ["public/app", "team/app"]
    assert "docker login" not in (await stranger.get("/")).text


async def test_where_a_stranger_sees_nothing_he_is_led_to_the_login(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "secret/plan", "1")
    for path in ("/", "/?q=plan", "/?q=nothing", "/?after=a"):
        answer = await stranger.get(path)
        assert answer.status == 303
        assert answer.location.startswith("/login")
        assert answer.text == ""
    await stranger.log_in("bob")
    assert "docker login" in (await stranger.get("/")).text


async def test_messages_are_only_our_own(visitor: Visitor) -> None:
    assert "The tag was deleted." in (await visitor.get("/?message=tag-deleted")).text
    assert 'role="status"' not in (await visitor.get("/?message=call+0900")).text
