"""Containers: everything that answers at once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import msgspec

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply, Stream
from wherry.api.ports import Waiter
from wherry.api.render import containers as render
from wherry.api.status import JSON
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.wire.container_config import Config, CreateRequest, HostConfig
from wherry.wire.requests import ContainerFilter

FILTERS = frozenset(
    "ancestor before exited expose health id is-task isolation label name network publish since "
    "status volume".split()
)
PRUNE_FILTERS = frozenset({"until", "label", "label!"})
WAIT_CONDITIONS = ("", "not-running", "next-exit", "removed")
NO_CONTENT = Reply(204)


async def create(call: Call) -> Reply:
    """POST /containers/create."""
    wanted = await call.body(CreateRequest)
    fields = {name: getattr(wanted, name) for name in Config.__struct_fields__}
    if not any(fields.values()):
        raise InvalidError("config cannot be empty in order to create a container")
    made = await call.services.containers.create(
        call.text("name") or None,
        Config(**fields),
        wanted.host_config or HostConfig(),
        wanted.networking_config,
        call.text("platform") or None,
    )
    return json_reply({"Id": made.id, "Warnings": made.warnings or []}, 201)


async def start(call: Call) -> Reply:
    """POST /containers/{id}/start."""
    await call.services.containers.start(call.name)
    return NO_CONTENT


async def stop(call: Call) -> Reply:
    """POST /containers/{id}/stop."""
    await call.services.containers.stop(call.name, call.number("t"), _signal(call))
    return NO_CONTENT


async def restart(call: Call) -> Reply:
    """POST /containers/{id}/restart."""
    await call.services.containers.restart(call.name, call.number("t"), _signal(call))
    return NO_CONTENT


def _signal(call: Call) -> str | None:
    """Return the signal that a client from API 1.42 on may ask for."""
    return call.text("signal") or None if call.version >= (1, 42) else None


async def kill(call: Call) -> Reply:
    """POST /containers/{id}/kill."""
    await call.services.containers.kill(call.name, call.text("signal") or "SIGKILL")
    return NO_CONTENT


async def pause(call: Call) -> Reply:
    """POST /containers/{id}/pause."""
    await call.services.containers.pause(call.name)
    return NO_CONTENT


async def unpause(call: Call) -> Reply:
    """POST /containers/{id}/unpause."""
    await call.services.containers.unpause(call.name)
    return NO_CONTENT


async def rename(call: Call) -> Reply:
    """POST /containers/{id}/rename."""
    await call.services.containers.rename(call.name, call.text("name"))
    return NO_CONTENT


async def remove(call: Call) -> Reply:
    """DELETE /containers/{id}."""
    await call.services.containers.remove(
        call.name, volumes=call.flag("v"), force=call.flag("force"), link=call.flag("link")
    )
    return NO_CONTENT


async def listing(call: Call) -> Reply:
    """GET /containers/json."""
    wanted = ContainerFilter(
        all=call.flag("all"),
        limit=call.number("limit") or 0,
        size=call.flag("size"),
        filters=call.filters(FILTERS),
    )
    views = await call.services.containers.list(wanted)
    now = time.time_ns()
    return json_reply([render.summary(view, now) for view in views])


async def inspect(call: Call) -> Reply:
    """GET /containers/{id}/json."""
    return json_reply(
        render.inspect(await call.services.containers.inspect(call.name, size=call.flag("size")))
    )


async def top(call: Call) -> Reply:
    """GET /containers/{id}/top."""
    titles, rows = await call.services.containers.top(call.name, call.text("ps_args", "-ef"))
    return json_reply({"Titles": titles, "Processes": rows})


async def resize(call: Call) -> Reply:
    """POST /containers/{id}/resize."""
    height, width = call.number("h"), call.number("w")
    await call.services.containers.resize(call.name, height or 0, width or 0)
    return Reply(200)


async def wait(call: Call) -> Stream:
    """POST /containers/{id}/wait: the head says that the waiting has begun.

    `docker run` starts the container only then, so that no exit can be missed.
    """
    condition = call.text("condition")
    if condition not in WAIT_CONDITIONS:
        raise InvalidError(f"invalid condition: {condition!r}")
    waiter = await call.services.containers.wait(call.name, condition or "not-running")

    return Stream(_result(waiter), JSON, at_once=True)


async def _result(waiter: Waiter) -> AsyncIterator[bytes]:
    code, error = await waiter.result()
    told = {"Message": error} if error else None
    yield msgspec.json.encode({"StatusCode": code, "Error": told}) + b"\n"


async def prune(call: Call) -> Reply:
    """POST /containers/prune."""
    removed, reclaimed = await call.services.containers.prune(call.filters(PRUNE_FILTERS))
    return json_reply({"ContainersDeleted": removed, "SpaceReclaimed": reclaimed})


ROUTES = (
    Route("POST", "/containers/create", create),
    Route("POST", "/containers/prune", prune),
    Route("GET", "/containers/json", listing),
    Route("GET", "/containers/{name}/json", inspect),
    Route("GET", "/containers/{name}/top", top),
    Route("POST", "/containers/{name}/start", start),
    Route("POST", "/containers/{name}/stop", stop),
    Route("POST", "/containers/{name}/restart", restart),
    Route("POST", "/containers/{name}/kill", kill),
    Route("POST", "/containers/{name}/pause", pause),
    Route("POST", "/containers/{name}/unpause", unpause),
    Route("POST", "/containers/{name}/rename", rename),
    Route("POST", "/containers/{name}/resize", resize),
    Route("POST", "/containers/{name}/wait", wait, cancellable=True),
    Route("DELETE", "/containers/{name}", remove),
)
