"""Networks."""

from __future__ import annotations

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.table import Route
from wherry.wire.requests import NetworkConnect, NetworkCreate, NetworkDisconnect

FILTERS = frozenset("dangling driver id label name scope type".split())
PRUNE_FILTERS = frozenset({"until", "label", "label!"})


async def listing(call: Call) -> Reply:
    """GET /networks."""
    return json_reply(await call.services.networks.list(call.filters(FILTERS)))


async def inspect(call: Call) -> Reply:
    """GET /networks/{id}."""
    return json_reply(await call.services.networks.inspect(call.name))


async def create(call: Call) -> Reply:
    """POST /networks/create."""
    identifier, warning = await call.services.networks.create(await call.body(NetworkCreate))
    return json_reply({"Id": identifier, "Warning": warning}, 201)


async def remove(call: Call) -> Reply:
    """DELETE /networks/{id}."""
    await call.services.networks.remove(call.name)
    return Reply(204)


async def connect(call: Call) -> Reply:
    """POST /networks/{id}/connect."""
    wanted = await call.body(NetworkConnect)
    await call.services.networks.connect(call.name, wanted.container, wanted.endpoint_config)
    return Reply(200)


async def disconnect(call: Call) -> Reply:
    """POST /networks/{id}/disconnect."""
    wanted = await call.body(NetworkDisconnect)
    await call.services.networks.disconnect(call.name, wanted.container, wanted.force)
    return Reply(200)


async def prune(call: Call) -> Reply:
    """POST /networks/prune."""
    names = await call.services.networks.prune(call.filters(PRUNE_FILTERS))
    return json_reply({"NetworksDeleted": names or None})


ROUTES = (
    Route("GET", "/networks", listing),
    Route("GET", "/networks/", listing),
    Route("POST", "/networks/create", create),
    Route("POST", "/networks/prune", prune),
    Route("POST", "/networks/{name:.*}/connect", connect),
    Route("POST", "/networks/{name:.*}/disconnect", disconnect),
    Route("GET", "/networks/{name:.*}", inspect),
    Route("DELETE", "/networks/{name:.*}", remove),
)
