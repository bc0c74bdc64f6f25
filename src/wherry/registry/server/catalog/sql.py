"""The catalog in SQL, put together of its subjects; each is a module that reads on its own."""

from __future__ import annotations

from wherry.registry.server.catalog.accounts import Accounts
from wherry.registry.server.catalog.blobs import Blobs
from wherry.registry.server.catalog.events import Events
from wherry.registry.server.catalog.garbage import Garbage
from wherry.registry.server.catalog.listing import Listing
from wherry.registry.server.catalog.manifests import Manifests
from wherry.registry.server.catalog.removal import Removal
from wherry.registry.server.catalog.uploads import Uploads


class SqlCatalog(Manifests, Removal, Listing, Blobs, Uploads, Garbage, Accounts, Events):
    """Implements `Catalog` over a database, which it closes."""

    async def check(self) -> None:
        """Raise UnavailableError unless the database answers now."""
        await self._database.rows("SELECT 1")

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()
