"""Ping, version, info, disk usage, and checking credentials."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.render import containers, images
from wherry.api.table import Route
from wherry.engine.containers.view import ContainerView
from wherry.oci.digest import Digest
from wherry.store.buildcache import CacheUsage
from wherry.wire.requests import AuthConfig, ContainerFilter
from wherry.wire.times import rfc3339_nano

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
    """GET /system/df; `type` leaves the others out."""
    wanted = call.texts("type") or [*_KINDS, "build-cache"]
    found = {name: await _KINDS[name](call) for name in wanted if name in _KINDS}
    usage = await call.services.system.disk_usage()
    cached = await call.services.builds.usage() if "build-cache" in wanted else []
    shown: dict[str, Any] = {
        "LayersSize": usage.layers,
        "BuilderSize": sum(one.size for one in cached if not one.shared),
        "BuildCache": [_cached_step(one) for one in cached],
    }
    for image in found.get("image", ()):
        image["SharedSize"] = usage.shared.get(image["Id"], 0)
    for name, title in (("image", "Images"), ("container", "Containers"), ("volume", "Volumes")):
        shown[title] = found.get(name, [])
    return json_reply(shown)


async def _images(call: Call) -> list[dict[str, Any]]:
    views = await call.services.images.list(all_=False, filters={})
    users = Counter(one.record.image_id for one in await _containers_of(call))
    return [
        {**images.summary(view, call.version), "Containers": users[Digest(view.id)]}
        for view in views
    ]


async def _containers_of(call: Call, *, size: bool = False) -> Sequence[ContainerView]:
    return await call.services.containers.list(ContainerFilter(all=True, size=size))


async def _containers(call: Call) -> list[dict[str, Any]]:
    now = time.time_ns()
    return [containers.summary(view, now) for view in await _containers_of(call, size=True)]


async def _volumes(call: Call) -> list[dict[str, Any]]:
    usage = await call.services.volumes.usage()
    return [
        {**volume, "UsageData": dict(zip(("Size", "RefCount"), usage[volume["Name"]], strict=True))}
        for volume in await call.services.volumes.list({})
        if volume["Name"] in usage
    ]


_KINDS: Final[dict[str, Callable[[Call], Awaitable[list[dict[str, Any]]]]]] = {
    "image": _images,
    "container": _containers,
    "volume": _volumes,
}


def _cached_step(usage: CacheUsage) -> dict[str, Any]:
    return {
        "ID": usage.id,
        "Parent": usage.parent,
        "Type": usage.kind,
        "Description": usage.description,
        "InUse": usage.in_use,
        "Shared": usage.shared,
        "Size": usage.size,
        "CreatedAt": rfc3339_nano(usage.created),
        "LastUsedAt": rfc3339_nano(usage.used),
        "UsageCount": usage.uses,
    }


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
