"""`docker search`."""

from __future__ import annotations

import pytest

from fixtures.registry_server import Served, Serving, serving
from wherry.registry.server.access.guard import Action, Caller, OpenGuard
from wherry.registry.server.http.search import human_size


class OneGuard(OpenGuard):
    def may(self, caller: Caller, name: str, action: Action) -> bool:
        return name == "team/app"


@pytest.fixture
async def filled(registry: Served) -> Served:
    for name in ("team/app", "team/web", "other"):
        await registry.push_image(name, "latest", b"layer")
    return registry


async def test_ping(registry: Served) -> None:
    answer = await registry.ask("GET", "/v1/_ping")
    assert (answer.status, answer.json()) == (200, {"standalone": True})


async def test_search(filled: Served) -> None:
    answer = await filled.ask("GET", "/v1/search?q=TEAM&n=25")
    reply = answer.json()
    assert (reply["num_results"], reply["query"]) == (2, "team")
    names = [one["name"] for one in reply["results"]]
    assert names == ["team/app", "team/web"]
    first = reply["results"][0]
    assert first["description"].startswith("1 tag, ")
    assert (first["is_official"], first["is_automated"], first["star_count"]) == (False, False, 0)
    assert (await filled.last()).route == "search"


async def test_pages(filled: Served) -> None:
    for page, name in enumerate(["other", "team/app", "team/web"], 1):
        reply = (await filled.ask("GET", f"/v1/search?q=&n=1&page={page}")).json()
        assert [one["name"] for one in reply["results"]] == [name]
        assert reply["page"] == page


@pytest.mark.parametrize("query", ["", "?q=%00", "?q=team&n=-1&page=x", "?n=99999999999", "?n=0"])
async def test_odd_queries(filled: Served, query: str) -> None:
    assert (await filled.ask("GET", f"/v1/search{query}")).status == 200


async def test_only_what_the_caller_may_pull(filled: Served) -> None:
    async with serving(filled.backend, Serving(guard=OneGuard())) as served:
        reply = (await served.ask("GET", "/v1/search?q=")).json()
        assert [one["name"] for one in reply["results"]] == ["team/app"]


async def test_other_methods(registry: Served) -> None:
    assert (await registry.ask("POST", "/v1/search")).status == 405


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_345_678, "12.3 MB"), (5e15, "5000 TB")],
)
def test_sizes(size: float, text: str) -> None:
    assert human_size(size) == text
