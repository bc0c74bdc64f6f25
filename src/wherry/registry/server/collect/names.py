"""The names of all repositories, for what goes through them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wherry.registry.server.catalog.catalog import Catalog

_AT_ONCE = 100


async def all_names(catalog: Catalog) -> AsyncIterator[str]:
    """Yield every name, in the order of bytes; a few at a time are in memory."""
    after = ""
    while names := await catalog.repositories(after, _AT_ONCE, lambda _: True):
        for name in names:
            yield name
        after = names[-1]
