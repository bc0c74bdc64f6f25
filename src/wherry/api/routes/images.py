"""Images: everything that answers at once."""

from __future__ import annotations

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.render import images as render
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.wire.container_config import Config

FILTERS = frozenset("before dangling label label! reference since until".split())
PRUNE_FILTERS = frozenset({"dangling", "until", "label", "label!"})


async def listing(call: Call) -> Reply:
    """GET /images/json; `filter` is what clients before API 1.25 sent for `reference`."""
    filters = call.filters(FILTERS)
    if call.text("filter"):
        filters.setdefault("reference", []).append(call.text("filter"))
    views = await call.services.images.list(all_=call.flag("all"), filters=filters)
    return json_reply([render.summary(view, call.version) for view in views])


async def inspect(call: Call) -> Reply:
    """GET /images/{name}/json."""
    return json_reply(render.inspect(await call.services.images.inspect(call.name)))


async def history(call: Call) -> Reply:
    """GET /images/{name}/history."""
    return json_reply(render.history(await call.services.images.history(call.name)))


async def tag(call: Call) -> Reply:
    """POST /images/{name}/tag."""
    repository, tagged = call.text("repo"), call.text("tag")
    if not repository:
        raise InvalidError("invalid reference format")
    target = f"{repository}:{tagged}" if tagged else repository
    await call.services.images.tag(call.name, target)
    return Reply(201)


async def remove(call: Call) -> Reply:
    """DELETE /images/{name}."""
    removed = await call.services.images.remove(
        call.name, force=call.flag("force"), prune=not call.flag("noprune")
    )
    return json_reply([render.removed(step) for step in removed])


async def prune(call: Call) -> Reply:
    """POST /images/prune."""
    removed, reclaimed = await call.services.images.prune(call.filters(PRUNE_FILTERS))
    steps = [render.removed(step) for step in removed]
    return json_reply({"ImagesDeleted": steps or None, "SpaceReclaimed": reclaimed})


async def commit(call: Call) -> Reply:
    """POST /commit."""
    config = await call.body(Config)
    made = await call.services.images.commit(
        call.text("container"),
        repository=call.text("repo"),
        tag=call.text("tag"),
        comment=call.text("comment"),
        author=call.text("author"),
        pause=call.flag("pause", default=True),
        changes=[line for text in call.texts("changes") for line in text.split("\n") if line],
        config=config,
    )
    return json_reply({"Id": made}, 201)


ROUTES = (
    Route("GET", "/images/json", listing),
    Route("POST", "/images/prune", prune),
    Route("GET", "/images/{name:.*}/json", inspect),
    Route("GET", "/images/{name:.*}/history", history),
    Route("POST", "/images/{name:.*}/tag", tag),
    Route("DELETE", "/images/{name:.*}", remove),
    Route("POST", "/commit", commit),
)
