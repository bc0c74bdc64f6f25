"""Start a container.

The network namespace comes first. Then two things happen at once: the keeper forks the container
into it and prepares everything up to the exec, and the network is set up in it. The exec waits for
both (docs/decisions/0003-network-namespace-first.md). Until the exec nothing of the container has
run, and every failure takes all of it back.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from wherry.base.crossing import begin_in_thread, in_thread
from wherry.base.errors import ConflictError, InternalError, InvalidError, NotModifiedError
from wherry.engine.containers.bundle import Bundle, Bundles
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.ports import Sandboxes, Volumes
from wherry.engine.containers.record import Container, State, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.networks.opened import Sandbox
from wherry.engine.supervision.keepers import Keepers
from wherry.keeper.client import LaunchError
from wherry.keeper.protocol import CreateContainer as KeeperCreate
from wherry.logs.watch import LogWatch
from wherry.logs.writer import LogOptions
from wherry.runtime import cgroups

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_ENGINE_FAILED = 128


@dataclass(slots=True)
class StartContainer:
    """The verb; see the module. `on_started` lets restart policies and attachments take note."""

    table: ContainerTable
    bundles: Bundles
    keepers: Keepers
    sandboxes: Sandboxes
    volumes: Volumes
    events: Events
    log_watch: LogWatch
    on_failed: Callable[[Container], None]
    started: dict[str, asyncio.Event] = field(default_factory=dict)

    async def __call__(self, reference: str) -> None:
        """Start a container by name or id; raises NotModifiedError when it runs."""
        record = self.table.find(reference)
        async with self.table.lock(record):
            _check_state(record)
            await self.run(record)

    async def run(self, record: Container) -> None:
        """Start a container whose lock is held."""
        begin_in_thread(cgroups.anticipate)
        try:
            await self._run(record)
        except BaseException as error:
            self._note_failure(record, error)
            raise
        self.events.emit("container", "start", record.id, container_attributes(record))

    async def _run(self, record: Container) -> None:
        async with contextlib.AsyncExitStack() as undo:
            if self.keepers.unacknowledged(record.id):
                # The end of the last run could not be written, because the disk was full.
                self.table.save(record)
                await self.keepers.forget(record.id)
            await self._check_mounts(record)
            custody = await self._make(record, undo)
            # An engine that dies now must know what addresses and ports the container has.
            self.table.save(record)
            started = await self._execute(record)
            undo.pop_all()
        record.state = State(
            status=Status.RUNNING,
            pid=custody[0],
            start_ticks=custody[1],
            started_at=started,
            finished_at=record.state.finished_at,
        )
        self.table.save(record)
        if waiting := self.started.pop(record.id, None):
            waiting.set()

    async def _make(self, record: Container, undo: contextlib.AsyncExitStack) -> tuple[int, int]:
        """Make everything up to the exec; returns pid and start ticks."""
        # The namespace is the kernel's work, the bundle is ours: the one is begun before the other.
        opening = asyncio.ensure_future(self.sandboxes.open(record))
        writing = asyncio.ensure_future(in_thread(self.bundles.write, record))
        try:
            sandbox = await opening
        except BaseException:
            await asyncio.gather(writing, return_exceptions=True)
            raise
        try:
            undo.push_async_callback(self.sandboxes.close, record)
            bundle = await writing
            undo.push_async_callback(_remove_cgroups, bundle.cgroups_path)
            return await self._prepare(record, bundle, sandbox, undo)
        finally:
            sandbox.release()

    async def _check_mounts(self, record: Container) -> None:
        for point in record.mounts:
            if point.type == "volume":
                point.source = await self.volumes.path_of(point.name)
            elif point.type == "bind" and not os.path.lexists(point.source):
                raise InvalidError(
                    f'error mounting "{point.source}": bind source path does not exist'
                )

    async def _prepare(
        self,
        record: Container,
        bundle: Bundle,
        sandbox: Sandbox,
        undo: contextlib.AsyncExitStack,
    ) -> tuple[int, int]:
        """Fork and connect at once; returns pid and start ticks."""
        connecting = asyncio.ensure_future(self.sandboxes.connect(sandbox, record))
        creating = asyncio.ensure_future(
            self.keepers.create(_request(record, bundle, sandbox.namespace))
        )
        done = await asyncio.gather(connecting, creating, return_exceptions=True)
        if not isinstance(done[1], BaseException):
            undo.push_async_callback(self.keepers.abandon, record.id)
        for outcome in done:
            if isinstance(outcome, LaunchError):
                raise _explained(outcome) from outcome
            if isinstance(outcome, BaseException):
                raise outcome
        record.networks, record.ports = connecting.result()
        custody = creating.result()
        return custody.pid, custody.start_ticks

    async def _execute(self, record: Container) -> int:
        try:
            return (await self.keepers.start(record.id)).at_ns
        except LaunchError as error:
            raise _explained(error) from error

    def _note_failure(self, record: Container, error: BaseException) -> None:
        code = error.exit_code if isinstance(error, StartError) else _ENGINE_FAILED
        state = record.state
        if state.status is not Status.EXITED:
            state.status = Status.CREATED
        state.exit_code, state.error, state.pid = code, str(error), 0
        self.table.save(record)
        self.log_watch.finish(self.bundles.log_directory(record))
        self.on_failed(record)


class StartError(InvalidError):
    """The container's program could not be executed; `exit_code` is what Docker reports."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class LaunchFailedError(InternalError):
    """The container could not be prepared."""


def _explained(error: LaunchError) -> StartError | LaunchFailedError:
    """Put the runtime's failure into the words around it that Docker's clients know."""
    message = (
        "failed to create task for container: failed to create shim task: OCI runtime create"
        f" failed: unable to start container process: {error.message}: unknown"
    )
    user_fault = error.exit_code in (_NOT_FOUND, _NOT_EXECUTABLE)
    if user_fault or error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR):
        return StartError(message, error.exit_code)
    return LaunchFailedError(message)


def _check_state(record: Container) -> None:
    status = record.state.status
    if status is Status.PAUSED:
        raise ConflictError("cannot start a paused container, try unpause instead")
    if record.state.running:
        raise NotModifiedError(f"container {record.id} is already running")
    if status in (Status.REMOVING, Status.DEAD):
        raise ConflictError(f"container {record.id} is marked for removal and cannot be started")


def log_options(record: Container) -> LogOptions:
    """Return how the output files are rotated. Raises InvalidError."""
    options = record.host_config.log_config.config or {}
    try:
        return LogOptions(_size(options.get("max-size", "0")), int(options.get("max-file", "1")))
    except ValueError:
        raise InvalidError(f"invalid log options: {options}") from None


def _size(text: str) -> int:
    """Read a size such as 10m; -1 and 0 mean no limit."""
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    bare = text.lower().removesuffix("b")
    if bare[-1:] in units:
        return int(bare[:-1]) * units[bare[-1]]
    return max(int(bare), 0)


def _request(record: Container, bundle: Bundle, namespace: int | None) -> KeeperCreate:
    size = record.host_config.console_size
    return KeeperCreate(
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
    await in_thread(cgroups.remove, path)
