"""The page of a repository: its tags, and how to pull it.

The newest tags come first where there are few. Many are shown in the order of their names, in pages
that begin behind a tag, so that each costs the same however many there are.
"""

from __future__ import annotations

import re

from aiohttp import web

from wherry.registry.server.backend import RepositoryDetail, TagDetail
from wherry.registry.server.pages.repositories import MESSAGES, PAGE
from wherry.registry.server.pages.routes import repository_path, with_query
from wherry.registry.server.pages.visit import Visit

FEW = 100
_BEGINNING = re.compile(r"[A-Za-z0-9_.-]*", re.ASCII)
# Behind every letter that a tag can have, in the order of bytes.
_LAST = "\x7f"


async def show(visit: Visit) -> web.Response:
    """Return the page; raises RepositoryUnknownError and as the guard does."""
    name = visit.target.name
    visit.require(name, "pull")
    beginning = visit.query("tag").strip()
    after = visit.query("after")
    found = await _found(visit, beginning, after)
    newest_first = not after and len(found) <= FEW
    shown = sorted(found, key=_age) if newest_first else found[:PAGE]
    here = repository_path(name)
    more = with_query(here, tag=beginning, after=shown[-1].name) if len(found) > len(shown) else ""
    return visit.page(
        "repository.html",
        name=name,
        detail=await _detail(visit, name),
        tags=shown,
        newest_first=newest_first,
        beginning=beginning,
        more=more,
        first=with_query(here, tag=beginning) if after else "",
        path=here,
        pulled=_pulled(shown),
        may_delete=visit.may(name, "delete"),
        message=MESSAGES.get(visit.query("message"), ""),
    )


async def _found(visit: Visit, beginning: str, after: str) -> list[TagDetail]:
    """Return tags that begin so, in order of names, one more than are shown."""
    name, backend = visit.target.name, visit.shop.backend
    if not (_BEGINNING.fullmatch(beginning) and _BEGINNING.fullmatch(after)):
        await backend.tags(name, "", 1)
        return []
    limit = PAGE if after else FEW
    found = await backend.tag_details(name, after or just_before(beginning), limit + 1)
    return [tag for tag in found if tag.name.startswith(beginning)]


def _age(tag: TagDetail) -> tuple[float, str]:
    return -tag.pushed, tag.name


def just_before(tag: str) -> str:
    """Return what lies between a tag and everything that comes before it, in order of bytes."""
    return tag[:-1] + chr(ord(tag[-1]) - 1) + _LAST if tag else ""


async def tag_detail(visit: Visit, name: str, tag: str) -> TagDetail | None:
    """Return what there is to know of one tag."""
    found = await visit.shop.backend.tag_details(name, just_before(tag), 1)
    return found[0] if found and found[0].name == tag else None


async def _detail(visit: Visit, name: str) -> RepositoryDetail | None:
    found = await visit.shop.backend.search(name, 1, name.__eq__)
    return found[0] if found else None


def _pulled(tags: list[TagDetail]) -> str:
    """Return the tag that the page shows how to pull."""
    names = [tag.name for tag in tags]
    return "latest" if "latest" in names or not names else names[0]
