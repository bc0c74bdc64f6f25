"""Stop, kill, restart, pause: what ends a run or holds it up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError, NotModifiedError
from wherry.base.values import dataclass
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.containers.waiters import Condition, Waiters
from wherry.engine.events import Events
from wherry.engine.supervision.keepers import Keepers
from wherry.linux import pidfd
from wherry.oci.signals import parse_signal
from wherry.runtime.cgroups.manage import freeze

DEFAULT_TIMEOUT: Final = 10
# After SIGKILL only the kernel can hold a process up; longer than this is worth an error.
_AFTER_KILL: Final = 30


@dataclass(slots=True)
class StopContainer:
    """Ends runs by signals."""

    table: ContainerTable
    bundles: Bundles
    keepers: Keepers
    waiters: Waiters
    events: Events
    start: Callable[[Container], Awaitable[None]]

    async def stop(self, reference: str, timeout: int | None, signal_name: str | None) -> None:
        """Send the stop signal, and SIGKILL when the time is over; -1 waits for ever."""
        record = self.table.find(reference)
        if record.state.status is Status.RESTARTING:
            self._cancel_restart(record)
            await self.table.flushed()
            return
        if not record.state.running:
            raise NotModifiedError(f"container {record.id} is not running")
        # Going on although the client has gone: what was begun is brought to its end.
        await asyncio.shield(self.end(record, timeout, signal_name))
        await self.table.flushed()
        self.events.emit("container", "stop", record.id, container_attributes(record))

    def _cancel_restart(self, record: Container) -> None:
        record.state.stopped_by_user = True
        record.state.status = Status.EXITED
        self.table.save(record)

    async def end(
        self, record: Container, timeout: int | None, signal_name: str | None = None
    ) -> None:
        """End the run of a running container; returns when it has ended."""
        record.state.stopped_by_user = True
        await self._end(record, timeout, signal_name)

    async def for_shutdown(self, record: Container) -> None:
        """End a run because the machine goes down: restart policies see no wish of the user's."""
        await self._end(record, None)

    async def _end(
        self, record: Container, timeout: int | None, signal_name: str | None = None
    ) -> None:
        number = parse_signal(signal_name or record.config.stop_signal or "SIGTERM")
        waiter = self.waiters.add(record, Condition.NOT_RUNNING)
        if record.state.status is Status.PAUSED:
            await self._thaw(record)
        self.send(record, number)
        limit = timeout if timeout is not None else record.config.stop_timeout
        limit = DEFAULT_TIMEOUT if limit is None else limit
        try:
            await asyncio.wait_for(waiter.result(), None if limit < 0 else limit)
        except TimeoutError:
            await self.kill_now(record)

    async def kill_now(self, record: Container) -> None:
        """End the run with SIGKILL; raises ConflictError when even that does not help."""
        waiter = self.waiters.add(record, Condition.NOT_RUNNING)
        if record.state.status is Status.PAUSED:
            await self._thaw(record)
        self.send(record, signal.SIGKILL)
        try:
            await asyncio.wait_for(waiter.result(), _AFTER_KILL)
        except TimeoutError:
            raise ConflictError(
                f"container {record.id} did not end {_AFTER_KILL} seconds after SIGKILL: the"
                " kernel holds one of its processes"
            ) from None

    def send(self, record: Container, number: int) -> None:
        """Send a signal to the first process; one that has just ended is no error."""
        custody = self.keepers.held(record.id)
        if custody is None or custody.pidfd is None:
            return
        with contextlib.suppress(ProcessLookupError):
            pidfd.send_signal(custody.pidfd, number)
        attributes = container_attributes(record, signal=str(int(number)))
        self.events.emit("container", "kill", record.id, attributes)

    async def kill(self, reference: str, signal_name: str) -> None:
        """Send any signal."""
        record = self.table.find(reference)
        number = parse_signal(signal_name)
        if not record.state.running:
            raise ConflictError(
                f"Cannot kill container: {reference}: Container {record.id} is not running"
            )
        stop_signal = parse_signal(record.config.stop_signal or "SIGTERM")
        if number in (signal.SIGKILL, stop_signal):
            record.state.stopped_by_user = True
            if record.state.status is Status.PAUSED:
                await self._thaw(record)
        if number == signal.SIGKILL:
            await asyncio.shield(self.kill_now(record))
            await self.table.flushed()
        else:
            self.send(record, number)

    async def restart(self, reference: str, timeout: int | None, signal_name: str | None) -> None:
        """Stop a container if it runs, and start it."""
        record = self.table.find(reference)
        if record.state.running:
            await asyncio.shield(self.end(record, timeout, signal_name))
        async with self.table.lock(record):
            if not record.state.running:
                record.state.stopped_by_user = False
                await self.start(record)
        self.events.emit("container", "restart", record.id, container_attributes(record))

    async def pause(self, reference: str) -> None:
        """Freeze every process."""
        record = self.table.find(reference)
        async with self.table.lock(record):
            if record.state.status is Status.PAUSED:
                raise ConflictError(f"Container {record.id} is already paused")
            if not record.state.running:
                raise ConflictError(f"Container {record.id} is not running")
            await in_thread(freeze, self.bundles.cgroups_path(record), True)
            record.state.status = Status.PAUSED
            self.table.save(record)
        self.events.emit("container", "pause", record.id, container_attributes(record))

    async def unpause(self, reference: str) -> None:
        """Let every process go on."""
        record = self.table.find(reference)
        async with self.table.lock(record):
            if record.state.status is not Status.PAUSED:
                raise ConflictError(f"Container {record.id} is not paused")
            await self._thaw(record)
        self.events.emit("container", "unpause", record.id, container_attributes(record))

    async def _thaw(self, record: Container) -> None:
        await in_thread(freeze, self.bundles.cgroups_path(record), False)
        record.state.status = Status.RUNNING
        self.table.save(record)
