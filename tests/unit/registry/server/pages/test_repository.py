from __future__ import annotations

import re

import pytest

from fixtures.hosted_parts import push_image
from fixtures.page_visits import Answer, Visitor
from wherry.registry.server.pages import repository
from wherry.registry.server.pages.repositories import PAGE


def tags(answer: Answer) -> list[str]:
    """Return the tags that a page lists."""
    return re.findall(r'class="name" href="/r/[^"]+/tags/([^"/]+)"', answer.text)


async def test_tags_are_listed_with_how_to_pull_them(visitor: Visitor) -> None:
    digest = await push_image(visitor.parts.backend(), "team/app", "1.0", b"layer")
    answer = await visitor.get("/r/team/app")
    assert answer.status == 200
    assert tags(answer) == ["1.0"]
    host = visitor.url.removeprefix("http://")
    for program in ("docker", "podman", "wherry"):
        assert f"{program} pull {host}/team/app:1.0<" in answer.text
    assert f'href="/r/team/app/@{digest}"' in answer.text
    assert digest[:19] in answer.text
    assert "insecure registries" not in answer.text  # this one is on the loopback


async def test_the_newest_come_first_where_there_are_few(visitor: Visitor) -> None:
    for tag in ("1.9", "latest", "1.10"):
        visitor.parts.now += 60
        await push_image(visitor.parts.backend(), "app", tag)
    answer = await visitor.get("/r/app")
    assert tags(answer) == ["1.10", "latest", "1.9"]
    assert "app:latest<" in answer.text


async def test_many_are_shown_in_pages_by_name(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "FEW", PAGE)
    pushed = [f"t{number:03}" for number in range(2 * PAGE + 1)]
    for tag in pushed:
        await push_image(visitor.parts.backend(), "app", tag)
    found: list[str] = []
    path = "/r/app?tag=t"
    for _ in range(3):
        answer = await visitor.get(path)
        found += tags(answer)
        if more := re.search(r'rel="next" href="([^"]+)"', answer.text):
            path = more[1].replace("&amp;", "&")
    assert found == pushed
    assert more is None
    assert 'href="/r/app?tag=t">First page' in answer.text


async def test_tags_are_found_by_their_beginning(visitor: Visitor) -> None:
    for tag in ("1.1", "1.10", "1.2", "0", "v1.1", "1-1"):
        await push_image(visitor.parts.backend(), "app", tag)
    assert sorted(tags(await visitor.get("/r/app?tag=1.1"))) == ["1.1", "1.10"]
    for beginning in ("x", "%00", "1%2F", "%F0%9F%98%80"):
        nothing = await visitor.get(f"/r/app?tag={beginning}")
        assert nothing.status == 200
        assert tags(nothing) == []
        assert "No tag begins with" in nothing.text


@pytest.mark.parametrize("tag", ["a", "0", "_", "v1.2-rc", "Z", "."])
def test_what_comes_just_before_a_tag(tag: str) -> None:
    before = repository.just_before(tag)
    assert before < tag
    assert not before < tag[:-1] + chr(ord(tag[-1]) - 1) + "z" * 100 > before


async def test_a_repository_whose_tags_are_gone(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    await push_image(backend, "app", "1")
    await backend.delete_tag("app", "1", "")
    answer = await visitor.get("/r/app")
    assert answer.status == 200
    assert "Nothing in this repository has a tag" in answer.text


async def test_a_repository_that_is_called_like_a_tag(visitor: Visitor) -> None:
    await push_image(visitor.parts.backend(), "a/tags/b", "1")
    listed = await visitor.get("/")
    assert 'href="/r/a/tags/b/"' in listed.text
    assert tags(await visitor.get("/r/a/tags/b/")) == ["1"]
    assert (await visitor.get("/r/a/tags/b/tags/1")).status == 200


async def test_what_is_not_there_has_a_page_with_a_way_back(visitor: Visitor) -> None:
    answer = await visitor.get("/r/nothing/here")
    assert answer.status == 404
    assert "nothing/here" in answer.text
    assert 'href="/"' in answer.text


async def test_buttons_are_for_those_who_may(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "public/app", "1")
    assert "/delete?" not in (await stranger.get("/r/public/app")).text
    await stranger.log_in("bob")
    assert "/delete?" not in (await stranger.get("/r/public/app")).text
    await stranger.log_in("ann")
    assert "/delete?" not in (await stranger.get("/r/public/app")).text  # still bob
    stranger.client.cookie_jar.clear()
    await stranger.log_in("ann")
    assert "/delete?" in (await stranger.get("/r/public/app")).text
