"""Builds: the classic request, wherry's own connection, and the cache.

What builds is loaded by the first who does: it is a third of the engine, and most starts of it are
followed by no build.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Hijack, Reply, Response, Stream
from wherry.api.streams import RAW
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.wire.times import parse_time

PRUNE_FILTERS: Final = frozenset("until id parent type description inuse shared private".split())


async def build(call: Call) -> Stream:
    """POST /build."""
    from wherry.api.builds.classic import answer  # noqa: PLC0415 - see the module

    return answer(call)


async def cancel(call: Call) -> Reply:
    """POST /build/cancel."""
    identity = call.text("id")
    if not identity:
        raise InvalidError("build ID not provided")
    call.services.builds.cancel(identity)
    return Reply(204)


async def connect(call: Call) -> Response:
    """POST /wherry/build: frames in both directions (`wherry.wire.frames`)."""
    if not call.request.wants_upgrade:
        raise InvalidError("POST /wherry/build wants the headers Connection and Upgrade")
    from wherry.api.builds.connection import serve  # noqa: PLC0415 - see the module

    return Hijack(partial(serve, call.services.builds), RAW)


async def prune(call: Call) -> Reply:
    """POST /build/prune."""
    filters = call.filters(PRUNE_FILTERS)
    until = filters.get("until")
    removed, reclaimed = await call.services.builds.prune(
        all_=call.flag("all"),
        keep_bytes=_kept(call),
        filters={name: values for name, values in filters.items() if name != "until"},
        older_than_ns=parse_time(until[0], time.time_ns()) if until else None,
    )
    return json_reply({"CachesDeleted": list(removed) or None, "SpaceReclaimed": reclaimed})


def _kept(call: Call) -> int:
    """Return how many bytes stay: `keep-storage` became `reserved-space` in API 1.48."""
    for name in ("reserved-space", "keep-storage", "max-used-space"):
        if (number := call.number(name)) is not None:
            return number
    return 0


ROUTES = (
    Route("POST", "/build", build, cancellable=True),
    Route("POST", "/build/cancel", cancel),
    Route("POST", "/build/prune", prune),
    Route("POST", "/wherry/build", connect),
)
