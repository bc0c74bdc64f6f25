"""What registries have: search, and what a name is there."""

from __future__ import annotations

import re

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Reply
from wherry.api.refusals import refusals_told
from wherry.api.render import registries as render
from wherry.api.table import Route
from wherry.base.errors import InternalError, InvalidError

SEARCH_FILTERS = frozenset({"is-automated", "is-official", "stars"})
_IMAGE_ID = re.compile(r"[0-9a-f]{64}|sha256:[0-9a-f]{64}")


class ImageIdError(InternalError):
    """Registries do not know images by their ids; dockerd's words, and its status."""

    def __init__(self) -> None:
        super().__init__("no manifest found for full image ID")


async def search(call: Call) -> Reply:
    """GET /images/search."""
    limit = call.number("limit") or 0
    if limit < 0:
        raise InvalidError("invalid limit specified")
    filters = call.filters(SEARCH_FILTERS)
    with refusals_told():
        found = await call.services.images.search(
            call.text("term"), limit=limit, filters=filters, credentials=call.credentials()
        )
    return json_reply([render.result(one) for one in found])


async def distribution(call: Call) -> Reply:
    """GET /distribution/{name}/json."""
    if _IMAGE_ID.fullmatch(call.name):
        raise ImageIdError
    with refusals_told():
        found = await call.services.images.inspect_remote(call.name, credentials=call.credentials())
    return json_reply(render.remote(found))


ROUTES = (
    Route("GET", "/images/search", search, cancellable=True),
    Route("GET", "/distribution/{name:.*}/json", distribution, cancellable=True),
)
