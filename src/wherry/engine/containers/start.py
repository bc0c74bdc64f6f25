"""Start a container.

Everything up to the exec is `prepare`'s. Until the exec nothing of the container has run, and every
failure takes all of it back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from wherry.base.crossing import begin_in_thread
from wherry.base.errors import ConflictError, InvalidError, NotModifiedError
from wherry.base.values import dataclass, field
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.ports import Sandboxes, Volumes
from wherry.engine.containers.prepare import PrepareContainer, StartError, settled
from wherry.engine.containers.record import Container, State, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.supervision.keepers import Keepers
from wherry.logs.watch import LogWatch
from wherry.runtime import cgroups

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
        prepare = PrepareContainer(self.keepers, self.sandboxes)
        async with contextlib.AsyncExitStack() as undo:
            if self.keepers.unacknowledged(record.id):
                # The end of the last run could not be written, because the disk was full.
                self.table.save(record)
                await self.keepers.forget(record.id)
            await self._check_mounts(record)
            noting = self._note_wish(record)
            try:
                prepared = await prepare(record, lambda: self.bundles.write(record), undo)
            finally:
                await settled(noting)
            noting.result()
            # An engine that dies now must know what addresses, ports and cgroup the container has.
            record.state.cgroup = prepared.bundle.cgroups_path
            self.table.save(record)
            started = await prepare.execute(record)
            undo.pop_all()
        record.state = State(
            status=Status.RUNNING,
            pid=prepared.pid,
            start_ticks=prepared.start_ticks,
            cgroup=prepared.bundle.cgroups_path,
            started_at=started,
            finished_at=record.state.finished_at,
        )
        self.table.save(record)
        if waiting := self.started.pop(record.id, None):
            waiting.set()

    def _note_wish(self, record: Container) -> asyncio.Future[None]:
        """Begin to make sure that even after a power cut the container is one that ran.

        Restart policies ask for that. The disk works while the start does.
        """
        record.state.starting = True
        self.table.save(record)
        return asyncio.ensure_future(self.table.flushed())

    async def _check_mounts(self, record: Container) -> None:
        for point in record.mounts:
            if point.type == "volume":
                point.source = await self.volumes.path_of(point.name)
            elif point.type == "bind" and not os.path.lexists(point.source):
                raise InvalidError(
                    f'error mounting "{point.source}": bind source path does not exist'
                )

    def _note_failure(self, record: Container, error: BaseException) -> None:
        code = error.exit_code if isinstance(error, StartError) else _ENGINE_FAILED
        state = record.state
        if state.status is not Status.EXITED:
            state.status = Status.CREATED
        state.exit_code, state.error, state.pid, state.cgroup = code, str(error), 0, ""
        state.starting = False
        self.table.save(record)
        self.log_watch.finish(self.bundles.log_directory(record))
        self.on_failed(record)


def _check_state(record: Container) -> None:
    status = record.state.status
    if status is Status.PAUSED:
        raise ConflictError("cannot start a paused container, try unpause instead")
    if record.state.running:
        raise NotModifiedError(f"container {record.id} is already running")
    if status in (Status.REMOVING, Status.DEAD):
        raise ConflictError(f"container {record.id} is marked for removal and cannot be started")
