"""Lists of tags over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.registry_server import Served, Serving, running_registry
from wherry.registry.server.settings import Limits

PATH = "/v2/a/tags/list"
TAGS = ["1.0", "2.0", "A", "_x", "b"]


@pytest.fixture
async def tagged(registry: Served) -> Served:
    body = await registry.push_image("a", TAGS[0])
    for tag in reversed(TAGS):
        await registry.push_manifest("a", tag, body)
    return registry


def link(query: str) -> str:
    return f'<{PATH}?{query}>; rel="next"'


@pytest.mark.parametrize(
    ("query", "tags", "following"),
    [
        ("", TAGS, ""),
        ("?n=5", TAGS, ""),
        ("?n=2", TAGS[:2], link("last=2.0&n=2")),
        ("?n=2&last=2.0", TAGS[2:4], link("last=_x&n=2")),
        ("?n=2&last=_x", TAGS[4:], ""),
        ("?last=1.5", TAGS[1:], ""),
        ("?last=zzz", [], ""),
        ("?n=0", [], ""),
        ("?n=0&last=A", [], ""),
        ("?last=%00", TAGS, ""),
    ],
)
async def test_pages(tagged: Served, query: str, tags: list[str], following: str) -> None:
    answer = await tagged.ask("GET", PATH + query)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"name": "a", "tags": tags}
    assert answer.headers.get("Link", "") == following
    assert (await tagged.last()).repository == "a"


@pytest.mark.parametrize("n", ["-1", "x", "1.0"])
async def test_no_number(tagged: Served, n: str) -> None:
    answer = await tagged.ask("GET", f"{PATH}?n={n}")
    assert (answer.status, answer.code) == (400, "PAGINATION_NUMBER_INVALID")


async def test_a_page_is_never_larger_than_the_limit(tmp_path: Path) -> None:
    async with running_registry(tmp_path, Serving(Limits(page=2))) as served:
        body = await served.push_image("a", "1")
        for tag in ("2", "3"):
            await served.push_manifest("a", tag, body)
        for query in ("", "?n=1000"):
            answer = await served.ask("GET", PATH + query)
            assert answer.json()["tags"] == ["1", "2"]
            assert answer.headers["Link"] == link("last=2&n=2")


async def test_an_unknown_repository(registry: Served) -> None:
    answer = await registry.ask("GET", PATH)
    assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


async def test_other_methods(registry: Served) -> None:
    answer = await registry.ask("DELETE", PATH)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
