"""What an engine begins before it loads the rest of itself: its hold on the exec root, a keeper.

A keeper takes about as long to start as the engine takes to load, so they do it at once. The other
keepers come when the engine listens. They belong to an exec root, which one engine has at a time:
that is made sure of first.
"""

from __future__ import annotations

import contextlib
import os
import signal
from types import TracebackType

from wherry.base.errors import ConflictError
from wherry.base.lock import try_lock
from wherry.keeper.start import spawn_first
from wherry.linux.limits import raise_open_files


class Ahead:
    """See the module. Raises ConflictError and OSError.

    `open_files` are the limits of open files, soft and hard, as they were given to the engine: a
    keeper is to have the raised ones, a container those.
    """

    def __init__(self, exec_root: str) -> None:
        os.makedirs(exec_root, 0o711, exist_ok=True)
        held = try_lock(f"{exec_root}/lock")
        if held is None:
            raise ConflictError(f"exec root {exec_root} is in use by another engine")
        self._held = held
        self.open_files = raise_open_files()
        spawned = spawn_first(exec_root)
        # Not yet reaped, so the pid is its own.
        self._keeper = os.pidfd_open(spawned.pid) if spawned is not None else -1

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        """Let go; after a failure end the keeper that was started, unless it holds something."""
        if self._keeper >= 0:
            if kind is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._keeper, signal.SIGTERM)
            os.close(self._keeper)
        os.close(self._held)
