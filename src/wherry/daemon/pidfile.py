"""The pidfile: written while the engine runs, refused to a second engine, removed at the end."""

from __future__ import annotations

import contextlib
import os

from wherry.base.errors import ConflictError
from wherry.base.lock import try_lock


class AlreadyRunningError(ConflictError):
    """Another engine has the pidfile."""


class Pidfile:
    """A locked file with the pid in it. The lock, not the content, says whether somebody runs."""

    def __init__(self, path: str) -> None:
        self._path = path
        os.makedirs(os.path.dirname(path), 0o711, exist_ok=True)
        held = try_lock(path, 0o644)
        if held is None:
            with open(path, encoding="ascii", errors="replace") as file:
                holder = file.read(32).strip()
            raise AlreadyRunningError(
                f"wherryd is running already with process ID {holder} (pidfile {path}): use"
                " another --pidfile, --data-root, --exec-root and -H for a second engine"
            )
        self._descriptor = held
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Remove the file and let go of the lock."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        os.close(self._descriptor)
