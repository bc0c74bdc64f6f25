"""What an engine does before it listens: find out what became of everything since the last one.

Records say what should be, keepers and the kernel what is. Runs that ended meanwhile are ended
here; those that go on are taken up again; what belongs to nobody is removed; restart policies run
last, after the engine listens.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Sequence

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.exits import ExitHandler, wants_restart
from wherry.engine.containers.ports import Sandboxes
from wherry.engine.containers.prepare import log_options
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.start import StartContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord, KnownProcess, Recovered
from wherry.linux import pidfd
from wherry.runtime import cgroups
from wherry.runtime.cgroups.hierarchy import hierarchy

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recovery:
    """The steps of a start; see the module."""

    table: ContainerTable
    bundles: Bundles
    keepers: Keepers
    sandboxes: Sandboxes
    exits: ExitHandler
    start: StartContainer

    async def recover(self) -> None:
        """Bring records and kernel together."""
        known = [self._known(r) for r in self.table if r.state.running]
        for recovered in await self.keepers.recover(known):
            record = self.table.get(recovered.id)
            if record is None:
                await self._end_unknown(recovered)
            elif recovered.custody is not None:
                await self._take_up(record, recovered)
            else:
                ended = recovered.exit or _unknown_exit(record)
                async with self.table.lock(record):
                    await self.exits.ended(record, ended)
        for record in self.table:
            if not record.state.running:
                # What a start had taken that was cut short.
                await self.sandboxes.close(record)
        await in_thread(self._remove_stray_cgroups)

    def _known(self, record: Container) -> KnownProcess:
        return KnownProcess(
            record.id,
            record.state.pid,
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

    def _remove_stray_cgroups(self) -> None:
        """Remove cgroups of containers that do not run, left by a crash in between."""
        running = {record.id for record in self.table if record.state.running}
        parent = f"/{self.bundles.parent_cgroup}"
        names = set()
        for directory in hierarchy().directories(parent, hierarchy().legacy or ("",)):
            if os.path.isdir(directory):
                names |= {e.name for e in os.scandir(directory) if e.is_dir()}
        for name in names - running:
            path = f"{parent}/{name}"
            try:
                cgroups.kill(path)
                cgroups.remove(path)
            except OSError as error:
                log.warning("the cgroup %s could not be removed: %s", path, error)

    async def restart(self) -> None:
        """Start what a restart policy wants running and what does not run."""
        for record in self._to_restart():
            async with self.table.lock(record):
                try:
                    await self.start.run(record)
                except (WherryError, OSError) as error:
                    log.warning("container %s could not be started: %s", record.name, error)

    def _to_restart(self) -> Sequence[Container]:
        return [
            record
            for record in self.table
            if record.state.status in (Status.EXITED, Status.RESTARTING)
            and _restarts_at_boot(record)
        ]


def _restarts_at_boot(record: Container) -> bool:
    """`always` comes back even when it had been stopped; `unless-stopped` then does not."""
    if record.host_config.restart_policy.name == "always":
        return True
    return wants_restart(record)


def _unknown_exit(record: Container) -> ExitRecord:
    return ExitRecord(record.id, None, None, core_dumped=False, at_ns=time.time_ns())
