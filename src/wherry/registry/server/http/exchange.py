"""What goes between the server and the parts that are plugged into it.

A *site* answers the paths that it knows: the routes of the protocol, tokens, search, pages, metrics
are one each, asked in turn. An *exchange* is one request and what came of it; observers (metrics,
access log, audit, events of pulls) are told of it once, when the response has ended.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from wherry.base.values import dataclass, field
from wherry.registry.server.access.guard import Caller, Peer


@dataclass(slots=True)
class Exchange:
    """One request; whoever answers fills in what it learns.

    route: a short name for metrics and logs, such as `manifest`, `blob`, `upload`, `token`, `page`;
    never anything a client chose. action: what was done, such as `pull`, `push`, `delete`, `mount`,
    `login`, "" for what changes and fetches nothing. sent and received are bodies, in bytes.
    error: the code of the protocol, and detail: words for the log.
    """

    request: web.BaseRequest
    peer: Peer
    id: str
    caller: Caller = field(default_factory=Caller)
    route: str = "unknown"
    action: str = ""
    repository: str = ""
    reference: str = ""
    digest: str = ""
    media_type: str = ""
    status: int = 0
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    error: str = ""
    detail: str = ""


class Site(Protocol):
    """Answers some paths."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer, or return None for a path that is not one of this site's.

        Errors of `server.backend` and `access.guard` may be raised: the server turns them into
        responses of the protocol, in one place.
        """


class Observer(Protocol):
    """Is told what happened."""

    def finished(self, exchange: Exchange) -> None:
        """Take note of an exchange whose response has ended or broken off; must not raise or
        block."""
