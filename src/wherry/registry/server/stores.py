"""Opens what is kept, the database and the storage, for serving and for looking after alike."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from wherry.base.crossing import in_thread
from wherry.base.values import dataclass
from wherry.registry.blobdrivers.driver import BlobDriver
from wherry.registry.blobdrivers.open import open_driver
from wherry.registry.server.catalog.catalog import Catalog
from wherry.registry.server.catalog.open import open_catalog
from wherry.registry.server.settings import FileStorage, Settings

CATALOG_FILE = "catalog.db"


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept: the catalog and the storage."""

    catalog: Catalog
    driver: BlobDriver


async def open_stores(settings: Settings, stack: AsyncExitStack) -> Stores:
    """Open database and storage; `stack` closes them.

    Raises StorageUnavailableError, MissingLibraryError, UnavailableError.
    """
    # First, since it makes the directory that the database of one machine is in as well.
    driver = await in_thread(open_driver, settings.storage)
    catalog = await open_catalog(database_of(settings))
    stack.push_async_callback(catalog.close)
    return Stores(catalog, driver)


def database_of(settings: Settings) -> str:
    """Return the URL of the database, or the path of its file."""
    if settings.database or not isinstance(settings.storage, FileStorage):
        return settings.database
    return os.path.join(settings.storage.root, CATALOG_FILE)
