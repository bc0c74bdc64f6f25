"""From a record to a process that waits for the word to exec: what starts and builds share.

The network namespace comes first. Then two things happen at once: the keeper forks the container
into it and prepares everything up to the exec, and the network is set up in it
(docs/decisions/0003-network-namespace-first.md). What is acquired goes on the caller's stack as
soon as it is there, in the order in which it is to be taken back; whoever is cancelled meanwhile
leaves when both have ended, so that nothing comes into being behind the caller's back.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from collections.abc import Callable
from typing import Any, Final

from wherry.base.crossing import to_the_end
from wherry.base.errors import InternalError, InvalidError
from wherry.base.values import dataclass
from wherry.engine.containers.bundle import Bundle
from wherry.engine.containers.ports import Sandboxes
from wherry.engine.containers.record import Container
from wherry.engine.networks.opened import Sandbox
from wherry.engine.supervision.keepers import Keepers
from wherry.keeper.client import LaunchError
from wherry.keeper.protocol import CreateContainer
from wherry.logs import drivers
from wherry.logs.writer import LogOptions
from wherry.runtime import cgroups

log = logging.getLogger(__name__)

_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126


class StartError(InvalidError):
    """The container's program could not be executed; `exit_code` is what Docker reports."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class LaunchFailedError(InternalError):
    """The container could not be prepared."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A first process that waits for its exec."""

    bundle: Bundle
    pid: int
    start_ticks: int


@dataclass(slots=True)
class PrepareContainer:
    """The verb, and the exec that follows it; see the module."""

    keepers: Keepers
    sandboxes: Sandboxes

    async def __call__(
        self, record: Container, write: Callable[[], Bundle], undo: contextlib.AsyncExitStack
    ) -> Prepared:
        """Make everything up to the exec; `write` writes the bundle, in a thread.

        The record gets its endpoints and ports. Raises StartError, LaunchFailedError.
        """
        # The namespace is the kernel's work, the bundle is ours: the one is begun before the other.
        opening = asyncio.ensure_future(self.sandboxes.open(record))
        writing = asyncio.ensure_future(to_the_end(write))
        try:
            sandbox = await opening
        except BaseException:
            await settled(writing)
            raise
        try:
            undo.push_async_callback(self.sandboxes.close, record)
            bundle = await writing
            undo.push_async_callback(_remove_cgroups, bundle.cgroups_path)
            return await self._fork(record, bundle, sandbox, undo)
        finally:
            sandbox.release()

    async def _fork(
        self,
        record: Container,
        bundle: Bundle,
        sandbox: Sandbox,
        undo: contextlib.AsyncExitStack,
    ) -> Prepared:
        """Fork and connect at once."""
        connecting = asyncio.ensure_future(self.sandboxes.connect(sandbox, record))
        creating = asyncio.ensure_future(
            self.keepers.create(_request(record, bundle, sandbox.namespace))
        )
        cancelled = await settled(connecting, creating)
        failures = (_failure(connecting), _failure(creating))
        if failures[1] is None:
            undo.push_async_callback(self.keepers.abandon, record.id)
        if cancelled:
            raise asyncio.CancelledError
        for failure in failures:
            if isinstance(failure, LaunchError):
                raise explained(failure) from failure
            if failure is not None:
                raise failure
        record.networks, record.ports = connecting.result()
        custody = creating.result()
        return Prepared(bundle, custody.pid, custody.start_ticks)

    async def execute(self, record: Container) -> int:
        """Let the prepared process exec; returns when it did, in nanoseconds since the epoch."""
        try:
            return (await self.keepers.start(record.id)).at_ns
        except LaunchError as error:
            raise explained(error) from error


async def settled(*futures: asyncio.Future[Any]) -> bool:
    """Wait until all have ended, however they end; tell whether the caller was cancelled."""
    cancelled = False
    while not all(future.done() for future in futures):
        try:
            await asyncio.wait(futures)
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


def _failure(future: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError() if future.cancelled() else future.exception()


def explained(error: LaunchError) -> StartError | LaunchFailedError:
    """Put the runtime's failure into the words around it that Docker's clients know."""
    message = (
        "failed to create task for container: failed to create shim task: OCI runtime create"
        f" failed: unable to start container process: {error.message}: unknown"
    )
    user_fault = error.exit_code in (_NOT_FOUND, _NOT_EXECUTABLE)
    if user_fault or error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR):
        return StartError(message, error.exit_code)
    return LaunchFailedError(message)


def log_options(record: Container) -> LogOptions:
    """Return how the output files are rotated. Raises InvalidError."""
    chosen = record.host_config.log_config
    return drivers.rotation(chosen.type, chosen.config or {})


def _request(record: Container, bundle: Bundle, namespace: int | None) -> CreateContainer:
    size = record.host_config.console_size
    return CreateContainer(
        id=record.id,
        bundle=bundle.directory,
        log_directory=bundle.log_directory,
        terminal=record.config.tty,
        console_size=(size[0], size[1]) if size and any(size) else None,
        open_stdin=record.config.open_stdin,
        log_options=log_options(record),
        namespaces={} if namespace is None else {"network": namespace},
        seccomp=bundle.seccomp,
    )


async def _remove_cgroups(path: str) -> None:
    try:
        await to_the_end(cgroups.remove, path)
    except OSError as error:
        # Found again by name and removed when the engine starts the next time.
        log.warning("the cgroup %s stays for now: %s", path, error)
