"""What happens when a container's first process has ended: once for each run, whoever saw it end.

In order: address and ports are given back; the record says so; waiters are told; cgroups are
removed. The keeper is told to forget only when the record is written, so that a crash in between,
or a full disk, brings the exit again. Restart policies wait here, with Docker's growing pauses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.values import dataclass, field
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.ports import Sandboxes
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.containers.waiters import Waiters
from wherry.engine.events import Events
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord
from wherry.logs.watch import LogWatch
from wherry.runtime import cgroups
from wherry.store.errors import DiskFullError

log = logging.getLogger(__name__)

UNKNOWN_EXIT: Final = 255
UNKNOWN_ERROR: Final = "how the process ended could not be found out"
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 60.0
_FULL_DISK_PAUSE: Final = 1.0
_LONG_RUN_NS: Final = 10_000_000_000


@dataclass(slots=True)
class ExitHandler:
    """Ends runs. `start` and `remove` are the verbs, called with the lock held."""

    table: ContainerTable
    bundles: Bundles
    keepers: Keepers
    sandboxes: Sandboxes
    waiters: Waiters
    events: Events
    log_watch: LogWatch
    start: Callable[[Container], Awaitable[None]]
    remove: Callable[[Container], Awaitable[None]]
    # The machine goes down: nothing is started again before it is back.
    going_down: bool = False
    _pauses: dict[str, float] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def handle(self, record: Container, exited: ExitRecord) -> None:
        """Begin to handle an exit; for the event loop."""
        self.later(self._handle(record, exited))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for; `close` does."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work in the background failed", exc_info=error)

    async def close(self) -> None:
        """Stop waiting for restarts; work that was begun ends first."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _handle(self, record: Container, exited: ExitRecord) -> None:
        async with self.table.lock(record):
            await self.ended(record, exited)
            again = await self._after(record)
        if again:
            await self._restart(record)

    async def ended(self, record: Container, exited: ExitRecord) -> None:
        """Write the end of a run and give back what it had; the lock is held."""
        path = self.bundles.cgroups_path(record)
        state = record.state
        state.oom_killed = await in_thread(cgroups.oom_kills, path) > 0
        ran_ns = max(exited.at_ns - state.started_at, 0)
        state.status = Status.EXITED
        state.pid, state.start_ticks, state.cgroup = 0, 0, ""
        state.finished_at = exited.at_ns
        state.exit_known = exited.exit_code is not None
        state.exit_code = UNKNOWN_EXIT if exited.exit_code is None else exited.exit_code
        state.error = "" if state.exit_known else UNKNOWN_ERROR
        self.log_watch.finish(self.bundles.log_directory(record))
        if state.oom_killed:
            self.events.emit("container", "oom", record.id, container_attributes(record))
        if ran_ns >= _LONG_RUN_NS:
            self._pauses.pop(record.id, None)
        await self.sandboxes.close(record)
        saved = self._save(record)
        self.events.emit(
            "container",
            "die",
            record.id,
            container_attributes(
                record,
                exitCode=str(state.exit_code),
                execDuration=str(ran_ns // 1_000_000_000),
            ),
        )
        self.waiters.exited(record)
        if saved:
            await self.keepers.forget(record.id)
        else:
            self.later(self._save_later(record))
        await self._remove_cgroups(path)

    def _save(self, record: Container) -> bool:
        """Write a record; False when the disk is full, which must not keep a run from ending."""
        try:
            self.table.save(record)
        except DiskFullError as error:
            log.warning("the end of container %s is not written yet: %s", record.name, error)
            return False
        return True

    async def _save_later(self, record: Container) -> None:
        """Try until there is room; the keeper remembers the exit for as long."""
        while self.keepers.unacknowledged(record.id):
            await asyncio.sleep(_FULL_DISK_PAUSE)
            async with self.table.lock(record):
                # Another start may have done this, and the next run be under way.
                if self.keepers.unacknowledged(record.id) and self._save(record):
                    await self.keepers.forget(record.id)

    @staticmethod
    async def _remove_cgroups(path: str) -> None:
        try:
            await in_thread(cgroups.remove, path)
        except OSError as error:
            # Found again by name and removed when the engine starts the next time.
            log.warning("the cgroup %s stays for now: %s", path, error)

    async def _after(self, record: Container) -> bool:
        """Remove the container, or say whether it is to be started again."""
        if record.host_config.auto_remove:
            await self.remove(record)
            return False
        if self.going_down or not wants_restart(record):
            self._pauses.pop(record.id, None)
            return False
        record.state.status = Status.RESTARTING
        record.restart_count += 1
        self._save(record)
        return True

    async def _restart(self, record: Container) -> None:
        pause = self._pauses.get(record.id, _FIRST_PAUSE)
        self._pauses[record.id] = min(pause * 2, _LONGEST_PAUSE)
        await asyncio.sleep(pause)
        async with self.table.lock(record):
            if record.state.status is not Status.RESTARTING or record.state.stopped_by_user:
                return
            if self.going_down:
                return
            try:
                await self.start(record)
            except WherryError as error:
                log.warning("container %s could not be started again: %s", record.id, error)


def wants_restart(record: Container) -> bool:
    """Tell whether the restart policy starts the container again after this end."""
    policy = record.host_config.restart_policy
    if record.state.stopped_by_user:
        return False
    if policy.name in ("always", "unless-stopped"):
        return True
    if policy.name != "on-failure" or record.state.exit_code == 0:
        return False
    return not policy.maximum_retry_count or record.restart_count < policy.maximum_retry_count
