"""The pidfile: written while the engine runs, refused to a second engine, removed at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os

from wherry.base.errors import ConflictError


class AlreadyRunningError(ConflictError):
    """Another engine has the pidfile."""


class Pidfile:
    """A locked file with the pid in it. The lock, not the content, says whether somebody runs."""

    def __init__(self, path: str) -> None:
        self._path = path
        os.makedirs(os.path.dirname(path), 0o711, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode().strip()
            os.close(self._descriptor)
            raise AlreadyRunningError(
                f"wherryd is running already with process ID {holder} (pidfile {path}): use"
                " another --pidfile, --data-root, --exec-root and -H for a second engine"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Remove the file and let go of the lock."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        os.close(self._descriptor)
