"""GET /v2/: whether this is a registry, and whether a client has to log in."""

from __future__ import annotations

from aiohttp import web

from wherry.registry.server.access.guard import Guard
from wherry.registry.server.http.call import Call

_HEADERS = {"Content-Type": "application/json"}


class Base:
    """The route where every client begins."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def get(self, call: Call) -> web.Response:
        """Answer; raises AuthenticationRequiredError."""
        self._guard.require_login(call.exchange.peer, call.exchange.caller)
        return web.Response(body=b"{}", headers=_HEADERS)
