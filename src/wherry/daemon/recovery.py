"""What an engine does before it listens: find out what became of everything since the last one.

Records say what should be, keepers and the kernel what is. Runs that ended meanwhile are ended
here; those that go on are taken up again; what belongs to nobody is removed; restart policies run
last, after the engine listens.

After a boot of the machine nothing that was recorded runs, whatever has the same pid and start time
now: every run has ended, and how is known only where an exit record was kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Final

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.engine.containers import directories
from wherry.engine.containers.boot_order import boot_order
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.exits import (
    UNKNOWN_ERROR,
    UNKNOWN_EXIT,
    ExitHandler,
    wants_restart,
)
from wherry.engine.containers.ports import Sandboxes
from wherry.engine.containers.prepare import log_options
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.remove import RemoveContainer
from wherry.engine.containers.start import StartContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord, KnownProcess, Recovered
from wherry.linux import pidfd
from wherry.runtime import cgroups
from wherry.runtime.cgroups.hierarchy import hierarchy

log = logging.getLogger(__name__)

# Restart policies start so many at once: each start is work for several CPUs.
_AT_ONCE: Final = 8
# What is below the engine's cgroup besides containers.
_KEEPERS: Final = "keepers"


@dataclass(slots=True)
class Recovery:
    """The steps of a start; see the module."""

    table: ContainerTable
    bundles: Bundles
    keepers: Keepers
    sandboxes: Sandboxes
    exits: ExitHandler
    start: StartContainer
    remove: RemoveContainer

    async def recover(self, *, booted: bool = False) -> None:
        """Bring records and kernel together; `booted` since an engine was here last."""
        if booted:
            await in_thread(self._mend_directories)
        known = [self._known(r, booted=booted) for r in self.table if r.state.running]
        ended = []
        for recovered in await self.keepers.recover(known, all_at_once=False):
            record = self.table.get(recovered.id)
            if record is None:
                await self._end_unknown(recovered)
            elif recovered.custody is not None:
                await self._take_up(record, recovered)
            else:
                ended.append(self._end(record, recovered.exit or _unknown_exit(record)))
        # At once: each may have to wait for what is left in its cgroup to be gone.
        await asyncio.gather(*ended)
        for record in self.table:
            if not record.state.running:
                # What a start had taken that was cut short.
                await self.sandboxes.close(record)
            if record.state.starting:
                self._settle_start(record, booted=booted)
        await in_thread(self.remove_stray_cgroups)
        await self._remove_ended()

    async def _end(self, record: Container, exited: ExitRecord) -> None:
        async with self.table.lock(record):
            await self.exits.ended(record, exited)

    def _mend_directories(self) -> None:
        for record in self.table:
            try:
                directories.mend(self.remove.snapshots, record)
            except OSError as error:
                log.warning("container %s cannot be started as it is: %s", record.name, error)

    def _settle_start(self, record: Container, *, booted: bool) -> None:
        """A start was under way when the last engine ended.

        What became of it before the machine went down nobody knows; somebody may have been told
        that it worked. So it is a run that ended: restart policies see to it.
        """
        state = record.state
        state.starting = False
        if booted and not state.running:
            state.status = Status.EXITED
            state.stopped_by_user = False
            state.exit_code, state.exit_known, state.error = UNKNOWN_EXIT, False, UNKNOWN_ERROR
            state.finished_at = time.time_ns()
        self.table.save(record)

    def _known(self, record: Container, *, booted: bool) -> KnownProcess:
        return KnownProcess(
            record.id,
            0 if booted else record.state.pid,  # there is no process 0
            record.state.start_ticks,
            self.bundles.log_directory(record),
            log_options(record),
        )

    async def _take_up(self, record: Container, recovered: Recovered) -> None:
        """A container runs: perhaps it was started when the last engine died."""
        if recovered.custody is not None and not record.state.running:
            record.state.status = Status.RUNNING
            record.state.pid = recovered.custody.pid
            record.state.start_ticks = recovered.custody.start_ticks
            record.state.started_at = time.time_ns()
            self.table.save(record)
        try:
            await self.sandboxes.restore(record)
        except (WherryError, OSError) as error:
            log.warning("the network of container %s could not be restored: %s", record.id, error)

    async def _end_unknown(self, recovered: Recovered) -> None:
        """A process of ours that no record speaks of, such as an exec of the last engine's."""
        custody = recovered.custody
        if custody is not None and custody.pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                pidfd.send_signal(custody.pidfd, signal.SIGKILL)
        else:
            await self.keepers.forget(recovered.id)

    def remove_stray_cgroups(self) -> None:
        """Remove cgroups of containers that do not run, left by a crash in between."""
        running = {record.id for record in self.table if record.state.running}
        for parent in {self.bundles.own_cgroup, self.bundles.parent_cgroup}:
            names: set[str] = set()
            for directory in hierarchy().directories(parent, hierarchy().legacy or ("",)):
                if os.path.isdir(directory):
                    names |= {e.name for e in os.scandir(directory) if e.is_dir()}
            for name in names - running - {_KEEPERS}:
                path = f"{parent}/{name}"
                try:
                    cgroups.kill(path)
                    cgroups.remove(path)
                except OSError as error:
                    log.warning("the cgroup %s could not be removed: %s", path, error)

    async def _remove_ended(self) -> None:
        """Remove what wants to be removed when it ends, and ended while no engine was there."""
        for record in self.table:
            if record.host_config.auto_remove and not record.state.running:
                async with self.table.lock(record):
                    try:
                        await self.remove.remove(record)
                    except (WherryError, OSError) as error:
                        log.warning("container %s could not be removed: %s", record.name, error)

    async def restart(self) -> None:
        """Start what a restart policy wants running and what does not run, in order."""
        waiting = self._to_restart()
        order = boot_order(waiting, self._find)
        names: dict[str, str] = {record.id: record.name for record in waiting}
        for who, whom in order.left_out:
            log.warning(
                "container %s needs %s, which needs it: it is started without waiting",
                names[who],
                names[whom],
            )
        done: dict[str, asyncio.Event] = {record.id: asyncio.Event() for record in waiting}
        limit = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(
            *(
                self._start_in_turn(record, order.needs[record.id], done, limit)
                for record in waiting
            )
        )

    async def _start_in_turn(
        self,
        record: Container,
        needs: frozenset[str],
        done: Mapping[str, asyncio.Event],
        limit: asyncio.Semaphore,
    ) -> None:
        """Start a container when those that it needs were; one that fails holds nobody up."""
        for identifier in needs:
            await done[identifier].wait()
        try:
            async with limit, self.table.lock(record):
                # Somebody may have asked for something else meanwhile.
                if self.table.get(record.id) is record and _is_down(record):
                    await self.start.run(record)
        except (WherryError, OSError) as error:
            log.warning("container %s could not be started: %s", record.name, error)
        finally:
            done[record.id].set()

    def _find(self, reference: str) -> Container | None:
        try:
            return self.table.find(reference)
        except WherryError:
            return None

    def _to_restart(self) -> Sequence[Container]:
        return [record for record in self.table if _is_down(record) and _restarts_at_boot(record)]


def _is_down(record: Container) -> bool:
    """Tell whether a container has been started before, and does not run."""
    return record.state.status in (Status.EXITED, Status.RESTARTING)


def _restarts_at_boot(record: Container) -> bool:
    """`always` comes back even when it had been stopped; `unless-stopped` then does not."""
    if record.host_config.restart_policy.name == "always":
        return True
    return wants_restart(record)


def _unknown_exit(record: Container) -> ExitRecord:
    return ExitRecord(record.id, None, None, core_dumped=False, at_ns=time.time_ns())
