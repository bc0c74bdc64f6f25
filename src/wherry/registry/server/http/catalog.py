"""The list of repositories, in pages: those that the caller may pull from."""

from __future__ import annotations

import msgspec
from aiohttp import web

from wherry.registry.protocol import catalog_route
from wherry.registry.server.access.guard import Caller, Guard
from wherry.registry.server.access.scopes import CATALOG, EVERYTHING
from wherry.registry.server.backend import Backend
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.paging import next_link, read_page
from wherry.registry.server.settings import Limits


class Repositories:
    """Answers `/v2/_catalog`."""

    def __init__(self, backend: Backend, guard: Guard, limits: Limits) -> None:
        self._backend = backend
        self._guard = guard
        self._limits = limits

    async def get(self, call: Call) -> web.Response:
        """GET and HEAD."""
        guard, caller = self._guard, call.exchange.caller
        _require(guard, call.exchange)
        page = read_page(call.query, self._limits.page)
        found = await self._backend.repositories(
            page.last, page.count + 1, lambda name: guard.may(caller, name, "pull")
        )
        shown = found[: page.count]
        headers = {"Content-Type": "application/json"}
        if shown and len(found) > len(shown):
            following = {"last": shown[-1], "n": page.count}
            headers["Link"] = next_link(catalog_route(), following)
        return web.Response(body=msgspec.json.encode({"repositories": shown}), headers=headers)


def _require(guard: Guard, exchange: Exchange) -> None:
    """Let pass as the base route does, and a token only with the scope for the list; who lacks it
    is told to ask for it."""
    caller = exchange.caller
    if caller.grants is not None and EVERYTHING not in caller.grants.get(CATALOG, ()):
        caller = Caller(address=caller.address)
    guard.require_login(exchange.peer, caller, f"{CATALOG}:{EVERYTHING}")
