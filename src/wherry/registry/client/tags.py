"""The tags of a repository, which a registry may give in pages.

Where the next page is, the registry says, and some lead there by marks of their own; it has to be
at the same registry.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from wherry.base.errors import InvalidError
from wherry.oci.reading import read
from wherry.registry import protocol
from wherry.registry.client import addresses
from wherry.registry.client.call import Call
from wherry.registry.client.errors import HostileLocationError
from wherry.registry.client.fetch import MAX_MANIFEST
from wherry.registry.client.remote import Remote

_MOST_TAGS: Final = 100_000
_MOST_PAGES: Final = 1000
_NEXT: Final = re.compile(r'\s*<([^<>]*)>\s*;\s*rel="?next"?\s*', re.IGNORECASE)


class TooManyTagsError(InvalidError):
    """A repository's list of tags is longer than any that is wanted whole, or does not end."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has more than {_MOST_TAGS} tags, or more than {_MOST_PAGES} pages of them:"
            " name those that are wanted"
        )


class TagList(msgspec.Struct, frozen=True):
    """One page."""

    tags: list[str] | None = None


async def fetch_tags(remote: Remote, name: str) -> list[str]:
    """Return all tags, in the registry's order; raises its refusal, TooManyTagsError."""
    found: dict[str, None] = {}
    url = remote.url(protocol.tags_route(name))
    for _ in range(_MOST_PAGES):
        page, url = await _fetch_page(remote, url)
        found.update(dict.fromkeys(page))
        if len(found) > _MOST_TAGS:
            break
        if not url:
            return list(found)
    raise TooManyTagsError(name)


async def _fetch_page(remote: Remote, url: str) -> tuple[list[str], str]:
    async with await remote.send(Call(method="GET", url=url)) as response:
        await response.raise_refusal()
        body = await response.read(MAX_MANIFEST)
        link = _NEXT.fullmatch(response.header("Link"))
    try:
        tags = read(body, TagList).tags or []
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidError(f"the list of tags is none: {error}") from error
    if link is None:
        return tags, ""
    following = addresses.joined(url, link[1])
    if addresses.origin_of(following) != addresses.origin_of(url):
        raise HostileLocationError(f"the list of tags goes on elsewhere: {following[:200]!r}")
    return tags, following
