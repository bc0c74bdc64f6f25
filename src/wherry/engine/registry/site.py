"""The protocol's routes twice: over what is named, and for this machine over all there is."""

from __future__ import annotations

from aiohttp import web

from wherry.base.values import dataclass
from wherry.engine.registry.guard import LocalGuard, is_trusted
from wherry.registry.server.access.access_guard import AccessGuard
from wherry.registry.server.http.exchange import Exchange, Site


@dataclass(frozen=True, slots=True)
class SiteByCaller:
    """A `Site`: `trusted` answers programs of this machine, `public` all others."""

    guard: LocalGuard | AccessGuard
    public: Site
    trusted: Site

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer with the site that is for the caller."""
        trusted = is_trusted(exchange.peer, exchange.caller, self.guard)
        return await (self.trusted if trusted else self.public).answer(exchange)
