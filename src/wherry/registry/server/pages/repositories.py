"""The first page: the repositories that the caller may pull, and the search in them.

A page begins behind a name (`after`), so each costs the same however many there are, and what is
pushed meanwhile moves nothing out of sight.
"""

from __future__ import annotations

import re

from aiohttp import web

from wherry.registry.server.backend import RepositoryDetail
from wherry.registry.server.pages.render import lead_to
from wherry.registry.server.pages.routes import HOME, login_path, with_query
from wherry.registry.server.pages.visit import Visit

PAGE = 50
_LETTERS = re.compile(r"[a-z0-9._/-]*", re.ASCII)
MESSAGES = {
    "logged-out": "You are logged out.",
    "tag-deleted": "The tag was deleted.",
    "manifest-deleted": "The manifest was deleted.",
}


async def show(visit: Visit) -> web.Response:
    """Return the list."""
    q = visit.query("q").strip()
    after = visit.query("after")
    found = await _found(visit, q.lower(), after, PAGE + 1)
    if not found and await _closed(visit):
        return lead_to(login_path(visit.exchange.request.path_qs))
    shown = found[:PAGE]
    more = with_query(HOME, q=q, after=shown[-1].name) if len(found) > PAGE else ""
    return visit.page(
        "repositories.html",
        repositories=shown,
        q=q,
        more=more,
        first=with_query(HOME, q=q) if after else "",
        message=MESSAGES.get(visit.query("message"), ""),
    )


async def _found(visit: Visit, text: str, after: str, limit: int) -> list[RepositoryDetail]:
    # No name has other letters, and no database needs to be asked for what it cannot store.
    if not (_LETTERS.fullmatch(text) and _LETTERS.fullmatch(after)):
        return []

    def visible(name: str) -> bool:
        return name > after and visit.sees(name)

    return await visit.shop.backend.search(text, limit, visible)


async def _closed(visit: Visit) -> bool:
    """Tell whether there is nothing here for those who have not logged in, as this one has not."""
    if visit.caller.name or not visit.login_offered:
        return False
    return not await visit.shop.backend.search("", 1, visit.sees)
