"""One request for a route of the protocol, as those who answer it get it."""

from __future__ import annotations

from aiohttp import web

from wherry.base.values import dataclass
from wherry.oci.digest import Digest, parse_digest
from wherry.registry.server.access.guard import Action, Guard
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.query import Query


@dataclass(slots=True)
class Call:
    """`name` is a repository's, checked; `reference` is what follows it in the path."""

    exchange: Exchange
    name: str
    reference: str
    query: Query

    @property
    def request(self) -> web.BaseRequest:
        """The request itself."""
        return self.exchange.request

    @property
    def by(self) -> str:
        """On whose behalf something is changed."""
        return self.exchange.caller.name

    def digest(self) -> Digest:
        """Return the reference as a digest, which it has to be; raises InvalidDigestError."""
        digest = parse_digest(self.reference)
        self.exchange.digest = digest
        return digest

    def require(self, guard: Guard, *actions: Action, done: str = "") -> None:
        """Let it pass or raise as `Guard.require` does; `done` is the action of the exchange."""
        exchange = self.exchange
        if exchange.caller.name:
            # Somebody we know is refused something; a stranger only learns where to log in.
            exchange.action = done
        guard.require(exchange.peer, exchange.caller, self.name, *actions)
        exchange.action = done
