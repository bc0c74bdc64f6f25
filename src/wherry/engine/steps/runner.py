"""Runs the steps of builds: what `wherry.build.ports.Runner` asks for, made of a start's parts.

A step is a container without a record: no list shows it and no event tells of it. While it runs,
its directory has a container's files (bundle, logs, names) beside `upper` and `work`; afterwards
only those two are left, and `upper` has what the process wrote and nothing else (see `stubs`).

Each run is a task of its own, so that whoever is cancelled, once or again and again, leaves when
everything has been taken back: the process, its cgroups, its network and its files. An engine that
is killed leaves all of that to the next one, which finds it (see `orphans`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from typing import Final

from wherry.base.crossing import begin_in_thread, in_thread, to_the_end
from wherry.base.errors import InternalError, UnavailableError
from wherry.base.values import dataclass, field
from wherry.build.ports import Output, Step
from wherry.engine.containers.bundle import Bundle, Bundles, Root
from wherry.engine.containers.ports import Sandboxes
from wherry.engine.containers.prepare import PrepareContainer, settled
from wherry.engine.containers.record import Container
from wherry.engine.steps import stubs
from wherry.engine.steps.mounts import overlay_options, spec_mounts
from wherry.engine.steps.output import follow
from wherry.engine.steps.record import record_of
from wherry.engine.streams import write_all
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord
from wherry.linux import pidfd
from wherry.logs.follower import Follower
from wherry.logs.watch import LogWatch
from wherry.runtime import cgroups
from wherry.store.layers.view import LayerView
from wherry.store.snapshots import MountSpec

log = logging.getLogger(__name__)

_AFTER_KILL: Final = 10.0
_FILES: Final = ("config.json", "hosts", "hostname", "resolv.conf")


class StepStoppedError(UnavailableError):
    """The engine stops, and all steps with it."""


class StepLostError(InternalError):
    """What became of a step's process cannot be found out."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A process that has been executed, or is about to be."""

    log_directory: str
    ended: asyncio.Future[ExitRecord]


@dataclass(slots=True)
class _Place:
    """A step's directory, and what mounting makes in its upper directory."""

    step: Step
    planned: stubs.Plan = field(default_factory=stubs.Plan)
    notes: stubs.Notes = field(default_factory=dict)
    ended: bool = False

    @property
    def upper(self) -> str:
        return f"{self.step.directory}/upper"

    def write(self, bundles: Bundles, record: Container, empty: str) -> Bundle:
        """Make what a bundle needs, and write it; `empty` is an empty directory to mount."""
        step = self.step
        for name in ("logs", "rootfs"):
            os.makedirs(f"{step.directory}/{name}", 0o755, exist_ok=True)
        options = overlay_options(step.lowers, empty, self.upper, f"{step.directory}/work")
        root = Root(
            [MountSpec("overlay", "overlay", options)],
            LayerView([self.upper, *step.lowers]),
            spec_mounts(step.mounts, empty),
        )
        bundle = bundles.write(record, root)
        self.planned = stubs.plan(stubs.targets(bundle.mounts), root.view)
        return bundle

    def note(self) -> None:
        """Look at what mounting has made."""
        self.notes = stubs.note(self.planned, self.upper)

    def leave(self) -> None:
        """Take away all files but those that the process has written."""
        directory = self.step.directory
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(f"{directory}/logs"):
                os.unlink(f"{directory}/logs/{name}")
            os.rmdir(f"{directory}/logs")
        for name in _FILES:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{directory}/{name}")
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(f"{directory}/rootfs")
        if self.ended:
            # What a failed step has written is of no use to anybody.
            stubs.clean(self.planned, self.notes, self.upper)


@dataclass(slots=True)
class StepRunner:
    """The verb; see the module. `exited` is told of every exit, as long as steps run.

    `empty` is a directory that stays empty, for overlays that need one more than there are.
    """

    bundles: Bundles
    keepers: Keepers
    sandboxes: Sandboxes
    log_watch: LogWatch
    empty: str
    _running: dict[str, _Running] = field(default_factory=dict)
    _tasks: set[asyncio.Task[int]] = field(default_factory=set)
    _closed: bool = False

    async def run(self, step: Step, output: Output, started: Callable[[], None]) -> int:
        """Run a step to its end, as `wherry.build.ports.Runner` says.

        A process that the kernel kills for want of memory ends with 137 like any that is killed;
        when a step fails and that had happened, a line at the end of its standard error says so.
        Raises StartError where the program cannot
        be executed, and StepStoppedError when the engine stops.
        """
        if self._closed:
            raise StepStoppedError("the engine is stopping: build again when it is back")
        task = asyncio.create_task(self._run(step, output, started))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await settled(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.warning("step %s failed while it was cancelled", step.id, exc_info=error)
            this = asyncio.current_task()
            if this is not None and not this.cancelling():
                raise StepStoppedError("the engine is stopping: the step was ended") from None
            raise

    def exited(self, exited: ExitRecord) -> bool:
        """Take an exit; False if it is of no step."""
        running = self._running.get(exited.id)
        if running is None:
            return False
        if not running.ended.done():
            running.ended.set_result(exited)
        # Where the disk was full, nothing in the log says that this was the end.
        self.log_watch.finish(running.log_directory)
        return True

    async def close(self) -> None:
        """End all steps; returns when nothing of them is left."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await settled(*tasks)

    async def _run(self, step: Step, output: Output, started: Callable[[], None]) -> int:
        begin_in_thread(cgroups.anticipate)
        record = record_of(step, os.cpu_count() or 1)
        self.sandboxes.check(record, None)
        place = _Place(step)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(to_the_end, place.leave)
            prepare = PrepareContainer(self.keepers, self.sandboxes)
            prepared = await prepare(
                record, lambda: place.write(self.bundles, record, self.empty), undo
            )
            await to_the_end(place.note)
            started()
            running = _Running(
                prepared.bundle.log_directory, asyncio.get_running_loop().create_future()
            )
            self._running[record.id] = running
            undo.callback(self._running.pop, record.id)
            follower = Follower(running.log_directory)
            await self._execute(prepare, record, undo)
            await self._attend(step, running, follower, output)
            exited = running.ended.result()
            kills = 0
            if exited.exit_code:
                kills = await in_thread(cgroups.oom_kills, prepared.bundle.cgroups_path)
            place.ended = True
        if kills:
            await output("stderr", _out_of_memory(kills, step.limits.memory))
        if exited.exit_code is None:
            raise StepLostError(f"how the process of step {step.id} ended could not be found out")
        return exited.exit_code

    async def _execute(
        self, prepare: PrepareContainer, record: Container, undo: contextlib.AsyncExitStack
    ) -> None:
        """Let the process exec, and end it on the way out."""
        executing = asyncio.ensure_future(prepare.execute(record))
        # Half executed it could neither be abandoned nor killed.
        cancelled = await settled(executing)
        executing.result()
        undo.push_async_callback(self._end, record.id)
        if cancelled:
            raise asyncio.CancelledError

    async def _attend(
        self, step: Step, running: _Running, follower: Follower, output: Output
    ) -> None:
        """Give the process its input and hand on its output, until it has ended."""
        feeding = asyncio.create_task(self._feed(step))
        following = asyncio.create_task(
            follow(self.log_watch, running.log_directory, follower, output)
        )
        try:
            await asyncio.gather(asyncio.shield(running.ended), following)
        finally:
            feeding.cancel()
            following.cancel()
            await settled(feeding, following)

    async def _feed(self, step: Step) -> None:
        """Write the standard input, as far as the process reads it."""
        custody = self.keepers.held(step.id)
        if not step.stdin or custody is None or custody.stdin is None:
            return
        # A descriptor of our own: the engine's may be closed while this waits.
        own = os.dup(custody.stdin)
        try:
            await write_all(own, step.stdin)
        finally:
            os.close(own)
        await self.keepers.close_stdin(step.id)

    async def _end(self, identifier: str) -> None:
        """Kill the process if it runs, which ends all in its PID namespace, and let go of it."""
        ended = self._running[identifier].ended
        if not ended.done():
            custody = self.keepers.held(identifier)
            if custody is not None and custody.pidfd is not None:
                with contextlib.suppress(ProcessLookupError):
                    pidfd.send_signal(custody.pidfd, signal.SIGKILL)
            try:
                await asyncio.wait_for(asyncio.shield(ended), _AFTER_KILL)
            except TimeoutError:
                raise StepLostError(
                    f"step {identifier} did not end {_AFTER_KILL} seconds after SIGKILL: the"
                    " kernel holds one of its processes"
                ) from None
        await self.keepers.forget(identifier)


def _out_of_memory(kills: int, limit: int) -> bytes:
    processes = "a process" if kills == 1 else f"{kills} processes"
    allowed = f": its limit is {limit >> 20} MiB" if limit else ""
    return f"wherry: the kernel has killed {processes} for want of memory{allowed}\n".encode()
