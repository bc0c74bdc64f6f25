"""Volumes."""

from __future__ import annotations

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.table import Route
from wherry.wire.requests import VolumeCreate

FILTERS = frozenset({"dangling", "driver", "label", "name"})
PRUNE_FILTERS = frozenset({"label", "label!", "all"})


async def listing(call: Call) -> Reply:
    """GET /volumes."""
    volumes = await call.services.volumes.list(call.filters(FILTERS))
    return json_reply({"Volumes": volumes, "Warnings": None})


async def inspect(call: Call) -> Reply:
    """GET /volumes/{name}."""
    return json_reply(await call.services.volumes.inspect(call.name))


async def create(call: Call) -> Reply:
    """POST /volumes/create."""
    made = await call.services.volumes.create(await call.body(VolumeCreate))
    return json_reply(made, 201)


async def remove(call: Call) -> Reply:
    """DELETE /volumes/{name}."""
    await call.services.volumes.remove(call.name, call.flag("force"))
    return Reply(204)


async def prune(call: Call) -> Reply:
    """POST /volumes/prune: anonymous volumes only, from API 1.42 on, unless `all` is given."""
    filters = call.filters(PRUNE_FILTERS)
    if call.version < (1, 42):
        filters.setdefault("all", ["true"])
    names, reclaimed = await call.services.volumes.prune(filters)
    return json_reply({"VolumesDeleted": names or None, "SpaceReclaimed": reclaimed})


ROUTES = (
    Route("GET", "/volumes", listing),
    Route("POST", "/volumes/create", create),
    Route("POST", "/volumes/prune", prune),
    Route("GET", "/volumes/{name:.*}", inspect),
    Route("DELETE", "/volumes/{name:.*}", remove),
)
