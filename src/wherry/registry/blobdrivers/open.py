"""Makes the driver that the settings ask for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from wherry.base.errors import UnsupportedError
from wherry.registry.blobdrivers.driver import BlobDriver
from wherry.registry.blobdrivers.files import FileDriver
from wherry.registry.server.settings import FileStorage, ObjectStorage

if TYPE_CHECKING:
    from wherry.registry.blobdrivers.objects import ObjectDriver


class MissingLibraryError(UnsupportedError):
    """What an object store needs is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"an object store needs the library {name}: install wherry[cluster], such as with "
            "`pip install 'wherry[cluster]'`"
        )


def open_driver(storage: FileStorage | ObjectStorage) -> BlobDriver:
    """Return the driver; a directory is made where it is missing.

    Raises StorageUnavailableError, MissingLibraryError, BadEndpointError. Nothing is asked of an
    object store yet: `check` does that.
    """
    if isinstance(storage, FileStorage):
        return FileDriver(storage.root)
    return _object_driver(storage)


def _object_driver(storage: ObjectStorage) -> ObjectDriver:
    try:  # only here: the library is there for clusters alone, and costs 30 ms to load
        module = importlib.import_module("wherry.registry.blobdrivers.objects")
    except ImportError as error:
        raise MissingLibraryError(error.name or "obstore") from error
    driver: ObjectDriver = module.ObjectDriver(storage)
    return driver
