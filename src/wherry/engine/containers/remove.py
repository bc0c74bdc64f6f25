"""Remove containers. The record goes first, so that nobody sees half a container; then the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError, NotFoundError
from wherry.base.values import dataclass
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.filters import label_matches, parse_until
from wherry.engine.containers.ports import Sandboxes, Volumes
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.table import ContainerTable, NoSuchContainerError
from wherry.engine.containers.waiters import Waiters
from wherry.engine.events import Events
from wherry.logs.watch import LogWatch
from wherry.store.errors import DiskFullError
from wherry.store.snapshots import SnapshotStore

# How often a container that is to be removed may be started by somebody meanwhile.
_ATTEMPTS = 10


@dataclass(slots=True)
class RemoveContainer:
    """The verb; see the module. `kill_now` ends a run with SIGKILL."""

    table: ContainerTable
    snapshots: SnapshotStore
    volumes: Volumes
    sandboxes: Sandboxes
    waiters: Waiters
    events: Events
    log_watch: LogWatch
    kill_now: Callable[[Container], Awaitable[None]]
    pruning: bool = False

    async def __call__(self, reference: str, *, volumes: bool, force: bool, link: bool) -> None:
        """Remove a container; one that runs only with `force`."""
        record = self.table.find(reference)
        if link:
            raise NotFoundError(f"Could not get parent for {record.name}: there are no links")
        for _ in range(_ATTEMPTS):
            if record.state.running:
                if not force:
                    break
                record.state.stopped_by_user = True
                record.host_config.auto_remove = False
                await asyncio.shield(self.kill_now(record))
            async with self.table.lock(record):
                if self.table.get(record.id) is None:
                    raise NoSuchContainerError(reference)
                # A start that was on its way, such as a policy's, may have come between.
                if not record.state.running:
                    await asyncio.shield(self.remove(record, volumes=volumes))
                    return
        raise ConflictError(_refusal(record))

    async def remove(self, record: Container, *, volumes: bool = True) -> None:
        """Remove a container that does not run; the lock is held."""
        record.state.stopped_by_user = True
        await self.sandboxes.close(record)
        try:
            self.table.remove(record)
        except DiskFullError:
            # What the container has written makes the room to write that it is gone.
            await in_thread(self.snapshots.remove, record.id)
            self.table.remove(record)
        self.log_watch.finish(f"{self.snapshots.directory(record.id)}/logs")
        self.events.emit("container", "destroy", record.id, container_attributes(record))
        self.waiters.removed(record)
        # A power cut must not bring the record back without the files.
        await self.table.flushed()
        await in_thread(self.snapshots.remove, record.id)
        for point in record.mounts:
            if volumes and point.type == "volume" and point.anonymous:
                await self.volumes.remove_anonymous(point.name)

    async def prune(self, filters: Mapping[str, list[str]]) -> tuple[list[str], int]:
        """Remove all that do not run; returns ids and the bytes that they had written."""
        if self.pruning:
            raise ConflictError("a prune operation is already running")
        self.pruning = True
        try:
            return await self._prune(filters)
        finally:
            self.pruning = False

    async def _prune(self, filters: Mapping[str, list[str]]) -> tuple[list[str], int]:
        before = [parse_until(text, time.time_ns()) for text in filters.get("until", ())]
        removed, reclaimed = [], 0
        for record in self.table:
            if record.state.status not in (Status.CREATED, Status.EXITED, Status.DEAD):
                continue
            if any(record.created > limit for limit in before):
                continue
            if not label_matches(record.config.labels or {}, filters):
                continue
            size = await in_thread(self.snapshots.usage, record.id)
            async with self.table.lock(record):
                if record.state.running or self.table.get(record.id) is None:
                    continue
                await self.remove(record, volumes=False)
            removed.append(str(record.id))
            reclaimed += size
        return removed, reclaimed


def _refusal(record: Container) -> str:
    if record.state.status is Status.PAUSED:
        return (
            f"You cannot remove a paused container {record.id}. Unpause and then stop the"
            " container before attempting removal or force remove"
        )
    return (
        f"You cannot remove a running container {record.id}. Stop the container before"
        " attempting removal or force remove"
    )
