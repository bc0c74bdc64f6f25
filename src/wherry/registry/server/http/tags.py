"""The list of a repository's tags, in pages."""

from __future__ import annotations

import msgspec
from aiohttp import web

from wherry.registry.protocol import tags_route
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.backend import Backend
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.paging import next_link, read_page
from wherry.registry.server.settings import Limits


class Tags:
    """Answers `/v2/<name>/tags/list`."""

    def __init__(self, backend: Backend, guard: Guard, limits: Limits) -> None:
        self._backend = backend
        self._guard = guard
        self._limits = limits

    async def get(self, call: Call) -> web.Response:
        """GET and HEAD."""
        call.require(self._guard, "pull")
        page = read_page(call.query, self._limits.page)
        # One more than asked for tells whether there is another page.
        found = await self._backend.tags(call.name, page.last, page.count + 1)
        shown = found[: page.count]
        headers = {"Content-Type": "application/json"}
        if shown and len(found) > len(shown):
            following = {"last": shown[-1], "n": page.count}
            headers["Link"] = next_link(tags_route(call.name), following)
        body = msgspec.json.encode({"name": call.name, "tags": shown})
        return web.Response(body=body, headers=headers)
