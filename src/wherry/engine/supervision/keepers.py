"""All keepers of an engine, and every process that they hold.

Spreads containers over keepers, keeps duplicates of every descriptor that keeps one going, and uses
them when a keeper dies: another is started, and adopts. What happens when something dies:

    a keeper        its children come to the engine, a child subreaper, which reaps them when they
                    end; the next keeper gets duplicates of the descriptors and reads on
    the engine      keepers go on; the next engine connects (`recover`), takes duplicates and the
                    exits that it missed
    both            processes are found by pid and start time, their output pipes by inode;
                    from then on pidfds tell how they end, where the kernel can

Every exit is told once to `on_exit`, on the event loop, after all output has been stored. An exit
that was told stays on disk until `forget`, so it is told again after an engine's death.

One event loop; nothing here blocks for longer than a few small files take.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from wherry.engine.supervision.exit_status import find_out
from wherry.engine.supervision.slot import Slot
from wherry.engine.supervision.values import ExitRecord, KnownProcess, Recovered, exit_record
from wherry.keeper import exits, stdio
from wherry.keeper import start as keeper_start
from wherry.keeper.client import Hello, KeeperLostError, LaunchError, Started
from wherry.keeper.protocol import CreateContainer, CreateExec, Custody, Exited, Phase
from wherry.linux import prctl
from wherry.linux.process import start_ticks

_log = logging.getLogger(__name__)
_ANSWERING_SECONDS = 0.05
_SOCKET = re.compile(r"keeper-(\d+)\.sock")


class Keepers:
    """See the module. `program` replaces the keeper's program, for tests."""

    def __init__(
        self,
        exec_root: str,
        count: int,
        on_exit: Callable[[ExitRecord], None],
        program: str = keeper_start.PROGRAM,
    ) -> None:
        self._exec_root = exec_root
        self._count = max(count, 1)
        self._on_exit = on_exit
        self._program = program
        self._interpreter = -1
        # Called with the pid of each keeper that is started.
        self.on_spawned: Callable[[int], None] = _leave_there
        self._slots: list[Slot] = []
        self._held: dict[str, Custody] = {}
        self._where: dict[str, Slot] = {}
        self._created: set[str] = set()
        self._told: set[str] = set()
        # Exits that arrive while `recover` is at work; None at all other times.
        self._early: list[tuple[Slot, Exited]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def recover(
        self, known: Sequence[KnownProcess], *, all_at_once: bool = True
    ) -> list[Recovered]:
        """Connect to keepers that are there, start the others, and find all processes.

        Without `all_at_once` at most the first is started, and the others by `fill`: an engine
        that starts has better things to do than to share the processors with them.

        Returns what became of every known process, and what keepers hold besides: whoever calls
        knows what that is, or kills it. Exits in the result are not told to `on_exit`; they want to
        be forgotten like others. Raises OSError if no keeper can be started.
        """
        keeper_start.prepare(self._exec_root)
        prctl.set_child_subreaper()
        found: dict[str, Exited] = {}
        self._early = []
        started = self._count if all_at_once else 1
        numbers = sorted(self._living_sockets() | set(range(started)))
        self._slots += map(self._slot, numbers)
        # All at once: most of it is waiting for interpreters to start.
        hellos = await asyncio.gather(*(slot.open() for slot in self._slots))
        for slot, hello in zip(self._slots, hellos, strict=True):
            found |= await self._take_over(slot, hello)
            slot.set_ready()
        on_disk = {i: e for i, e in exits.read_all(self._exec_root).items() if i not in self._held}
        found = on_disk | found
        recovered = [await self._recover_one(process, found) for process in known]
        recovered += await self._unclaimed({process.id for process in known}, found)
        early, self._early = self._early, None
        for slot, exited in early:
            # Behind whoever awaits the result.
            asyncio.get_running_loop().call_soon(self._exited, slot, exited)
        return recovered

    async def fill(self) -> None:
        """Start the keepers that are missing still; those that cannot be are logged.

        To start one blocks for milliseconds: who waited for the engine is answered first.
        """
        await asyncio.sleep(_ANSWERING_SECONDS)
        there = {slot.index for slot in self._slots}
        for index in sorted(set(range(self._count)) - there):
            slot = self._slot(index)
            try:
                await slot.open()
            except (KeeperLostError, OSError) as error:
                _log.warning("keeper %d cannot be started: %s", index, error)
                await slot.close()
                continue
            self._slots.append(slot)
            slot.set_ready()

    async def create(self, request: CreateContainer) -> Custody:
        """Fork a container up to its exec. Raises LaunchError, KeeperLostError.

        The custody's descriptors are duplicates that belong to this object.
        """
        try:
            return await self._create(request)
        except KeeperLostError:
            # Its child ended with it, before any of the container ran.
            return await self._create(request)

    async def start(self, identifier: str) -> Started:
        """Let a created container exec. Raises LaunchError, and nothing is left of it then."""
        slot = self._where.get(identifier)
        if slot is None or identifier not in self._created:
            raise LaunchError("start", 0, "the prepared process is gone", 125)
        client = await slot.client()
        try:
            started = await client.start(identifier)
        except LaunchError:
            self._release(identifier)
            raise
        self._created.discard(identifier)
        return started

    async def exec(self, request: CreateExec) -> Custody:
        """Execute a process in a container that is held. Raises LaunchError, KeeperLostError."""
        slot = self._where.get(request.container_id)
        if slot is None:
            raise LaunchError("exec", 0, f"container {request.container_id} is not running", 125)
        custody = await (await slot.client()).exec(request)
        self._hold(custody, slot)
        return custody

    async def close_stdin(self, identifier: str) -> None:
        """Close our ends of a process's standard input, which then reads its end."""
        custody, slot = self._held.get(identifier), self._where.get(identifier)
        if custody is None or slot is None:
            return
        if custody.stdin is not None:
            descriptor, custody.stdin = custody.stdin, None
            os.close(descriptor)
        await (await slot.client()).close_stdin(identifier)

    async def abandon(self, identifier: str) -> None:
        """Kill a created container that will not be started; returns when nothing is left."""
        slot = self._where.get(identifier)
        if slot is None or identifier not in self._created:
            return
        try:
            await (await slot.client()).kill_created(identifier)
            self._release(identifier)
        except KeeperLostError:
            await self._bury_created(identifier)

    def unacknowledged(self, identifier: str) -> bool:
        """Tell whether an exit was told that nobody has acknowledged yet."""
        return identifier in self._told

    async def forget(self, identifier: str) -> None:
        """Acknowledge an exit: its record has been stored elsewhere, and all of it is dropped."""
        slot = self._where.get(identifier)
        self._release(identifier)
        if slot is not None:
            with contextlib.suppress(KeeperLostError):
                await (await slot.client()).forget(identifier)
        exits.remove(self._exec_root, identifier)
        stdio.remove_stdio(self._exec_root, identifier)

    def held(self, identifier: str) -> Custody | None:
        """Return the duplicates of a held process's descriptors, if it is held."""
        return self._held.get(identifier)

    async def close(self) -> None:
        """Let go of everything; keepers that hold nothing end, the others go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(slot.close() for slot in self._slots))
        for custody in self._held.values():
            custody.close()
        self._held.clear()
        self._slots.clear()
        if self._interpreter >= 0:
            os.close(self._interpreter)
            self._interpreter = -1

    async def _create(self, request: CreateContainer) -> Custody:
        slot = self._emptiest()
        client = await slot.client()
        creating = asyncio.ensure_future(client.create(request))
        try:
            custody = await asyncio.shield(creating)
        except asyncio.CancelledError:
            self._later(self._undo_create(request.id, slot, creating))
            raise
        self._hold(custody, slot)
        self._created.add(custody.id)
        return custody

    def _slot(self, index: int) -> Slot:
        path = keeper_start.socket_path(self._exec_root, index)
        return Slot(path, index, self._spawn, self._exited, self._restored)

    def _spawn(self, index: int) -> keeper_start.Spawned:
        if self._interpreter < 0:
            self._interpreter = keeper_start.sealed_interpreter()
        made = keeper_start.spawn(self._exec_root, index, self._interpreter, self._program)
        self.on_spawned(made.pid)
        return made

    def pids(self) -> list[int]:
        """Return the process IDs of the keepers that are there."""
        return [slot.pid for slot in self._slots if slot.pid > 0]

    def _living_sockets(self) -> set[int]:
        """Return the numbers of keepers beyond our count that may be there from an earlier engine.

        What nobody listens on is left by a dead keeper, and removed.
        """
        numbers = set()
        for name in os.listdir(self._exec_root):
            match = _SOCKET.fullmatch(name)
            if match is None:
                continue
            if keeper_start.listens(f"{self._exec_root}/{name}"):
                numbers.add(int(match[1]))
            else:
                os.unlink(f"{self._exec_root}/{name}")
        return numbers

    def _emptiest(self) -> Slot:
        loads = dict.fromkeys((slot for slot in self._slots if slot.index < self._count), 0)
        for slot in self._where.values():
            if slot in loads:
                loads[slot] += 1
        return min(loads, key=loads.__getitem__)

    def _hold(self, custody: Custody, slot: Slot) -> None:
        self._held[custody.id] = custody
        self._where[custody.id] = slot

    def _release(self, identifier: str) -> None:
        custody = self._held.pop(identifier, None)
        self._where.pop(identifier, None)
        self._created.discard(identifier)
        self._told.discard(identifier)
        if custody is not None:
            custody.close()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _undo_create(
        self, identifier: str, slot: Slot, creating: asyncio.Future[Custody]
    ) -> None:
        """Nobody waits for this container any more."""
        with contextlib.suppress(LaunchError, KeeperLostError):
            (await creating).close()
            await (await slot.client()).kill_created(identifier)

    async def _take_over(self, slot: Slot, hello: Hello) -> dict[str, Exited]:
        """Take duplicates of all that a keeper holds; return the exits that it remembers."""
        client = slot.connection()
        ended = []
        for line in hello.held:
            self._where[line.id] = slot
            if line.phase is Phase.CREATED:
                # Its engine died before it could start it.
                await client.kill_created(line.id)
                del self._where[line.id]
                continue
            self._hold(await client.take(line.id), slot)
            if line.phase is Phase.EXITED:
                ended.append(Exited(line.id, line.wait_status, line.at_ns))
        # Together, for each unknown one takes its time.
        known = await asyncio.gather(*map(self._known_exit, ended))
        return {exited.id: exited for exited in known}

    async def _known_exit(self, exited: Exited) -> Exited:
        """Find the status of an exit where the keeper does not know it."""
        custody = self._held.get(exited.id)
        if exited.wait_status is not None or custody is None or custody.pidfd is None:
            return exited
        return replace(exited, wait_status=await find_out(custody.pidfd))

    async def _recover_one(self, known: KnownProcess, found: dict[str, Exited]) -> Recovered:
        if known.id in found:
            self._told.add(known.id)
            return Recovered(known.id, exit=exit_record(found[known.id]))
        if known.id not in self._held:
            await self._find_by_pid(known)
        return Recovered(known.id, custody=self._held.get(known.id))

    async def _find_by_pid(self, known: KnownProcess) -> None:
        """Adopt a process that no keeper holds, if it still is the one that was recorded."""
        try:
            pidfd = os.pidfd_open(known.pid)
        except OSError:
            return
        custody = Custody(
            known.id,
            known.pid,
            known.start_ticks,
            log_directory=known.log_directory,
            log_options=known.log_options,
            pidfd=pidfd,
        )
        if start_ticks(known.pid) != known.start_ticks:
            custody.close()
            return
        if known.log_directory:
            stdio.reopen_outputs(self._exec_root, custody)
        slot = self._emptiest()
        self._hold(custody, slot)
        await (await slot.client()).adopt(custody)

    async def _unclaimed(self, known: set[str], found: dict[str, Exited]) -> list[Recovered]:
        """Return running processes that are not known; exits of such are of no interest."""
        for identifier in found.keys() - known:
            await self.forget(identifier)
        return [Recovered(i, custody=c) for i, c in self._held.items() if i not in known]

    def _exited(self, slot: Slot, exited: Exited) -> None:
        if self._early is not None:
            self._early.append((slot, exited))
        elif self._where.get(exited.id) is not slot:
            # Whoever executed it has gone away meanwhile.
            self._later(self._forget_at(slot, exited.id))
        elif exited.id not in self._told:
            self._told.add(exited.id)
            if exited.wait_status is None:
                self._later(self._tell_later(exited))
            else:
                self._on_exit(exit_record(exited))

    async def _forget_at(self, slot: Slot, identifier: str) -> None:
        with contextlib.suppress(KeeperLostError):
            await (await slot.client()).forget(identifier)

    async def _tell_later(self, exited: Exited) -> None:
        self._on_exit(exit_record(await self._known_exit(exited)))

    async def _restored(self, slot: Slot, hello: Hello) -> None:
        """A keeper has been connected to again, or replaced: hand it what it does not hold."""
        client = slot.connection()
        lines = {line.id: line for line in hello.held}
        for lost in hello.held:
            if lost.phase is Phase.CREATED and lost.id not in self._where:
                # With the answer to whoever asked for it.
                await client.kill_created(lost.id)
        on_disk = exits.read_all(self._exec_root)
        for identifier in [i for i, where in self._where.items() if where is slot]:
            line = lines.get(identifier)
            if line is not None and line.phase is not Phase.EXITED:
                continue
            if line is not None:
                self._exited(slot, Exited(identifier, line.wait_status, line.at_ns))
            elif identifier in self._created:
                await self._bury_created(identifier)
            elif identifier in on_disk:
                self._exited(slot, on_disk[identifier])
            elif identifier not in self._told:
                await client.adopt(self._held[identifier])

    async def _bury_created(self, identifier: str) -> None:
        """A child that waited for its start has lost its keeper: it ends, and is ours to reap."""
        custody = self._held.pop(identifier, None)
        if custody is None:
            return
        self._release(identifier)
        if custody.pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(custody.pidfd, signal.SIGKILL)
            await find_out(custody.pidfd)
        custody.close()
        stdio.remove_stdio(self._exec_root, identifier)


def _leave_there(_pid: int) -> None:
    """A keeper stays in the cgroup that it was started in."""
