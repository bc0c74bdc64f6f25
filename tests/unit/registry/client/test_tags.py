"""Lists of tags: whole, in pages, and from registries that lead elsewhere or nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from fixtures.web import Handler, serving
from wherry.base.errors import InvalidError, NotFoundError, WherryError
from wherry.registry.client import Repository
from wherry.registry.client import tags as module

Opener = Callable[..., Awaitable[Repository]]


def pages(
    *lists: list[str] | None, link: str = '</v2/team/app/tags/list?mark={mark}>; rel="next"'
) -> Handler:
    """Serve one list after another, each leading to the next by a mark."""

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        assert request.path == "/v2/team/app/tags/list"
        mark = int(request.query.get("mark", "0"))
        following = link.format(mark=mark + 1, host=request.host)
        headers = {"Link": following} if mark + 1 < len(lists) else {}
        return web.json_response({"name": "team/app", "tags": lists[mark]}, headers=headers)

    return handle


@pytest.mark.parametrize(
    "lists", [[["b", "a"]], [["b"], ["a", "b"]], [["b"], [], ["a"]], [["b", "a"], None]]
)
async def test_all_pages_are_one_list(opened: Opener, lists: list[list[str] | None]) -> None:
    async with serving(pages(*lists)) as server:
        assert await (await opened(server)).tags() == ["b", "a"]


async def test_a_page_may_be_named_by_a_whole_url(opened: Opener) -> None:
    link = "<http://{host}/v2/team/app/tags/list?mark={mark}>; rel=next"
    async with serving(pages(["a"], ["b"], link=link)) as server:
        assert await (await opened(server)).tags() == ["a", "b"]


async def test_a_page_elsewhere_is_not_fetched(opened: Opener) -> None:
    async with serving(pages([])) as other:
        link = f"<http://{other.address}/v2/team/app/tags/list>; rel=next"
        async with serving(pages(["a"], ["b"], link=link)) as server:
            with pytest.raises(WherryError, match="goes on elsewhere"):
                await (await opened(server)).tags()
        assert other.seen == []


async def test_a_list_without_an_end_is_left(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PAGES", 3)
    async with serving(pages(*[["a"]] * 5)) as server:
        with pytest.raises(InvalidError, match="team/app has more than"):
            await (await opened(server)).tags()
        assert len(server.paths("GET")) == 4


async def test_too_many_tags_are_refused(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TAGS", 2)
    async with serving(pages(["a", "b", "c"])) as server:
        with pytest.raises(InvalidError, match="name those that are wanted"):
            await (await opened(server)).tags()


def answering(body: str, status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        return web.Response(text=body, status=status, content_type="application/json")

    return handle


@pytest.mark.parametrize("body", ["", "[]", '{"tags": 1}', '{"tags": [1]}', "[" * 100_000])
async def test_what_is_no_list_is_an_error(opened: Opener, body: str) -> None:
    async with serving(answering(body)) as server:
        with pytest.raises(InvalidError, match="the list of tags is none"):
            await (await opened(server)).tags()


async def test_a_repository_that_is_not_there_is_named(opened: Opener) -> None:
    refused = '{"errors":[{"code":"NAME_UNKNOWN","message":"not known"}]}'
    async with serving(answering(refused, 404)) as server:
        with pytest.raises(
            NotFoundError, match=r"repository .*/team/app not found: name unknown: not known"
        ):
            await (await opened(server)).tags()
