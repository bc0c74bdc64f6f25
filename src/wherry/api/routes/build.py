"""Builds: the classic request, wherry's own connection, and the cache."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import Any, Final

from wherry.api.builds.classic import BodySession, options_of
from wherry.api.builds.connection import serve
from wherry.api.call import Call, json_reply, progress
from wherry.api.http.message import Hijack, Reply, Response, Stream
from wherry.api.render.build import Classic
from wherry.api.reporting import Report, reported
from wherry.api.streams import RAW
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.build.ops.execute import StepFailedError
from wherry.wire.progress import ErrorDetail, ProgressLine
from wherry.wire.times import parse_time

PRUNE_FILTERS: Final = frozenset("until id parent type description inuse shared private".split())


async def build(call: Call) -> Stream:
    """POST /build."""
    return progress(reported(partial(_build, call, options_of(call))))


async def _build(call: Call, options: Any, report: Report) -> None:
    builds = call.services.builds
    session = BodySession(call, builds.spool_directory, report.ready)
    classic = Classic(report, quiet=call.flag("q"))
    identity = call.text("buildid")
    with contextlib.closing(session), builds.cancellable(identity):
        try:
            await builds.build(options, session, classic)
        except StepFailedError as error:
            # The code is part of what clients are told.
            detail = ErrorDetail(str(error), error.code)
            report(ProgressLine(error_detail=detail, error=str(error)))


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
