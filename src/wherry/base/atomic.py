"""Files that are either the old ones or the new ones, never half of either."""

from __future__ import annotations

import contextlib
import os


def write_file(path: str, data: bytes, mode: int = 0o644, *, sync: bool = True) -> None:
    """Replace `path` with `data`; with `sync` it also survives the machine's death.

    The temporary name is `<path>.<pid>.partial` beside it, removed when anything fails.
    """
    temporary = f"{path}.{os.getpid()}.partial"
    try:
        _write(temporary, data, mode, sync=sync)
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if sync:
        sync_directory(os.path.dirname(path) or ".")


def _write(path: str, data: bytes, mode: int, *, sync: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as sink:
        sink.write(data)
        sink.flush()
        os.fchmod(sink.fileno(), mode)
        if sync:
            os.fsync(sink.fileno())


def sync_directory(path: str) -> None:
    """Make the names in a directory survive the machine's death."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
