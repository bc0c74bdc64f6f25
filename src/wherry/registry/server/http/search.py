"""`docker search`: the second of the two routes that are left of Docker's first registry API."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from wherry.registry.server.access.guard import Guard
from wherry.registry.server.backend import Backend, RepositoryDetail
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.query import Query
from wherry.registry.server.http.routing import MethodError, split_target

_READ = ("GET", "HEAD")
_JSON = {"Content-Type": "application/json"}
_PAGE = 25
_LARGEST_PAGE = 100
_MOST_PAGES = 100
_UNITS = ("B", "kB", "MB", "GB", "TB")


class SearchSite:
    """Answers `/v1/_ping` and `/v1/search`, with what the caller may pull."""

    def __init__(self, backend: Backend, guard: Guard) -> None:
        self._backend = backend
        self._guard = guard

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer, or return None for another path; raises MethodError."""
        request = exchange.request
        path, query = split_target(request.raw_path)
        if path not in ("/v1/_ping", "/v1/search"):
            return None
        exchange.route = "search"
        if request.method not in _READ:
            raise MethodError(request.method, _READ)
        if path == "/v1/_ping":
            headers = {**_JSON, "X-Docker-Registry-Standalone": "true"}
            return web.Response(body=b'{"standalone":true}', headers=headers)
        return await self._search(exchange, Query(query))

    async def _search(self, exchange: Exchange, query: Query) -> web.Response:
        guard, caller = self._guard, exchange.caller
        text = query.first("q").strip().partition("\0")[0].lower()
        size = _number(query.first("n"), _PAGE, _LARGEST_PAGE)
        page = _number(query.first("page"), 1, _MOST_PAGES)
        found = await self._backend.search(
            text, size * page, lambda name: guard.may(caller, name, "pull")
        )
        shown = found[size * (page - 1) :]
        return web.Response(body=_results(text, shown, size, page, len(found)), headers=_JSON)


def _results(
    text: str, shown: Sequence[RepositoryDetail], size: int, page: int, known: int
) -> bytes:
    reply = {
        "num_pages": -(-known // size),
        "num_results": known,
        "page_size": size,
        "page": page,
        "query": text,
        "results": [
            {
                "name": one.name,
                "description": _description(one),
                "is_official": False,
                "is_automated": False,
                "is_trusted": False,
                "star_count": 0,
            }
            for one in shown
        ],
    }
    return msgspec.json.encode(reply)


def _number(text: str, default: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        return default
    return min(int(text), most) or default


def _description(one: RepositoryDetail) -> str:
    tags = "1 tag" if one.tags == 1 else f"{one.tags} tags"
    return f"{tags}, {human_size(one.size)}"


def human_size(size: float) -> str:
    """Return a number of bytes as people write it."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.4g} {_UNITS[-1]}"
