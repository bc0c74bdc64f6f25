"""Ping, version, info, disk usage, and checking credentials."""

from __future__ import annotations

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.table import Route
from wherry.wire.requests import AuthConfig

PING_HEADERS = {
    "Builder-Version": "1",  # 2 would announce BuildKit, which is not served here
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Swarm": "inactive",
}


async def ping(call: Call) -> Reply:
    """Answer that the engine is there."""
    body = b"" if call.request.method == "HEAD" else b"OK"
    return Reply(200, body, "text/plain; charset=utf-8", PING_HEADERS)


async def version(call: Call) -> Reply:
    """GET /version."""
    return json_reply(await call.services.system.version())


async def info(call: Call) -> Reply:
    """GET /info."""
    return json_reply(await call.services.system.info())


async def disk_usage(call: Call) -> Reply:
    """GET /system/df."""
    return json_reply(await call.services.system.df())


async def auth(call: Call) -> Reply:
    """POST /auth."""
    given = await call.body(AuthConfig)
    token = await call.services.system.auth(given)
    return json_reply({"Status": "Login Succeeded", "IdentityToken": token})


ROUTES = (
    Route("GET", "/_ping", ping),
    Route("HEAD", "/_ping", ping),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("GET", "/system/df", disk_usage),
    Route("POST", "/auth", auth),
)
