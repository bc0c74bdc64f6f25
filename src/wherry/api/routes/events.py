"""GET /events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from wherry.api.call import Call
from wherry.api.http.message import Stream
from wherry.api.status import JSON
from wherry.api.table import Route
from wherry.wire.events import event_message
from wherry.wire.filters import Filters

FILTERS = frozenset(
    "config container daemon event image label network node plugin scope secret service type "
    "volume".split()
)


async def events(call: Call) -> Stream:
    """Stream events, the past ones from `since` on first, until `until` or for ever."""
    filters = call.filters(FILTERS)
    pieces = _lines(call, call.time("since"), call.time("until"), filters)
    return Stream(pieces, JSON, at_once=True)


async def _lines(
    call: Call, since: int | None, until: int | None, filters: Filters
) -> AsyncIterator[bytes]:
    async for e in call.services.system.events(since, until, filters):
        message = event_message(e.type, e.action, e.actor_id, e.attributes, e.time_ns)
        yield msgspec.json.encode(message) + b"\n"


ROUTES = (Route("GET", "/events", events, cancellable=True),)
