"""Failures of the store that more than one of its parts can meet."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from wherry.base.errors import DataLossError, InvalidError, UnavailableError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFullError(UnavailableError):
    """There was no room; what had been written for it is gone again. `path` is on that disk."""

    def __init__(self, path: str) -> None:
        super().__init__(f"write {path}: {os.strerror(errno.ENOSPC)}")
        self.path = path


class CorruptContentError(DataLossError):
    """An archive or a layer is damaged, cut short, or not what its digest says."""


class HostileArchiveError(InvalidError):
    """An archive tries to write where it has no business."""


class DataRootInUseError(UnavailableError):
    """Another engine has this data root open."""

    def __init__(self, data_root: str) -> None:
        super().__init__(f"data root {data_root} is in use by another engine")


@contextlib.contextmanager
def full_disk_named(path: str) -> Iterator[None]:
    """Turn "no space left" inside the block into DiskFullError for `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError(path) from error
        raise
