"""The processes that the keeper holds, and their way from fork to exit record.

    create ─▶ CREATED ─ start ─▶ RUNNING ─ exits ─▶ EXITED ─ forget ─▶ gone
    exec   ─────────────────────▶ RUNNING
    adopt  ─────────────────────▶ RUNNING

A process that fails before its exec is never EXITED: whoever asked gets the failure, once the child
has been reaped, so that nothing of it (mounts, network) is left by then. Exits are seen through
pidfds. An exit record is on disk before anybody is told, and kept until it is acknowledged.

Nothing here waits: children report through their channel, and the loop says when they did.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Final

from wherry.base.values import dataclass
from wherry.keeper import exits, stdio
from wherry.keeper.connection import Reply
from wherry.keeper.launcher import Launcher
from wherry.keeper.loop import Loop
from wherry.keeper.output import OpenLogs, Output
from wherry.keeper.protocol import (
    CreateContainer,
    CreateExec,
    Custody,
    Exited,
    Failure,
    Held,
    Phase,
)
from wherry.keeper.reaping import reap_strays, wait_status
from wherry.linux.process import start_ticks
from wherry.logs.record import Kind
from wherry.runtime.launch import Child, Executed, Failed, Launch, LaunchExec, Ready

# How long to wait for strangers who still hold a dead process's output open.
_OUTPUT_GRACE_SECONDS: Final = 2.0
_MOST_OPEN_LOGS: Final = 256

_GONE: Final = Failure("start", 0, "the prepared process is gone", 125)


class NotHeldError(Exception):
    """The keeper holds no process of this id in the phase that the request needs."""


@dataclass(slots=True, eq=False)
class Process:
    """One held process. `reply` is whoever waits for the child's next report.

    `proceeded` is set once it was told to exec, `handed_over` once the engine has duplicates of the
    descriptors, and `ended` when the process is gone, perhaps before its output is all stored.
    """

    custody: Custody
    phase: Phase
    output: Output | None = None
    channel: int = -1
    proceeded: bool = False
    handed_over: bool = False
    abandoned: bool = False
    reply: Reply | None = None
    failure: Failure | None = None
    ended: bool = False
    wait_status: int | None = None
    at_ns: int = 0

    def line(self) -> Held:
        """Return its line in the keeper's list."""
        custody = self.custody
        return Held(
            custody.id, custody.pid, custody.start_ticks, self.phase, self.wait_status, self.at_ns
        )


class Processes:
    """All held processes. `tell` is called with every exit, after its record is on disk."""

    def __init__(
        self, loop: Loop, exec_root: str, launcher: Launcher, tell: Callable[[Exited], None]
    ) -> None:
        self.held: dict[str, Process] = {}
        self._by_pid: dict[int, Process] = {}
        self._loop = loop
        self._exec_root = exec_root
        self._launcher = launcher
        self._tell = tell
        self._logs = OpenLogs(_MOST_OPEN_LOGS)
        self._filters: dict[str, bytes] = {}
        self._null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)

    def create(self, request: CreateContainer, reply: Reply) -> None:
        """Fork a container, to be answered when it is ready to exec. Raises OSError."""
        self._must_be_free(request.id)
        custody = Custody(
            request.id, 0, 0, log_directory=request.log_directory, log_options=request.log_options
        )
        theirs = stdio.Stdio()
        with contextlib.ExitStack() as undo:
            undo.callback(stdio.remove_stdio, self._exec_root, request.id)
            undo.callback(custody.close)
            if not request.terminal:
                theirs = stdio.open_stdio(self._exec_root, custody, request.open_stdin)
                undo.callback(theirs.close)
            child = self._launcher.launch(
                Launch(
                    bundle=request.bundle,
                    stdio=theirs.triple,
                    terminal=request.terminal,
                    console_size=request.console_size,
                    namespaces=request.namespaces,
                    seccomp=self._filter(request.seccomp),
                )
            )
            undo.pop_all()
        theirs.close()
        self._forked(custody, child, reply)

    def exec(self, request: CreateExec, reply: Reply) -> None:
        """Fork a process into a container, to be answered when it runs. Raises OSError."""
        self._must_be_free(request.id)
        container = self._running(request.container_id)
        assert container.custody.pidfd is not None
        child = self._launcher.launch_exec(
            LaunchExec(
                pidfd=container.custody.pidfd,
                process=request.process,
                cgroups_path=request.cgroups_path,
                stdio=request.stdio or (-1, -1, -1),
                terminal=request.terminal,
                console_size=request.console_size,
                seccomp=self._filter(request.seccomp),
            )
        )
        self._forked(Custody(request.id, 0, 0), child, reply).proceeded = True

    def start(self, identifier: str, reply: Reply) -> None:
        """Let a created container exec, to be answered when it did."""
        process = self.held.get(identifier)
        if process is None or process.phase is not Phase.CREATED or process.ended:
            reply.failed(_GONE)
            return
        process.reply = reply
        process.proceeded = True
        if process.output is not None:
            # Before the exec: a short process may be over before its report has been read.
            process.output.mark(Kind.RUN_START)
        try:
            self._launcher.proceed(process.channel)
        except OSError:
            process.failure = _GONE

    def adopt(self, custody: Custody) -> None:
        """Hold a running process that another keeper has forked."""
        self._must_be_free(custody.id)
        self._hold(Process(custody, Phase.RUNNING))

    def close_stdin(self, identifier: str) -> None:
        """Close the keeper's end of a process's standard input."""
        process = self.held.get(identifier)
        if process is not None and process.custody.stdin is not None:
            os.close(process.custody.stdin)
            process.custody.stdin = None

    def abandon(self, identifier: str, reply: Reply) -> None:
        """Kill a created process; answered when nothing is left of it."""
        process = self.held.get(identifier)
        if process is None or process.phase is not Phase.CREATED or process.ended:
            reply.done()
            return
        process.reply = reply
        process.abandoned = True
        assert process.custody.pidfd is not None
        signal.pidfd_send_signal(process.custody.pidfd, signal.SIGKILL)

    def forget(self, identifier: str) -> None:
        """Drop an exit record that the engine has stored."""
        process = self.held.get(identifier)
        if process is not None and process.phase is Phase.EXITED:
            self._drop(process)
        if process is None or process.phase is Phase.EXITED:
            exits.remove(self._exec_root, identifier)

    def look_again(self) -> None:
        """Ask once more about exits whose status is not known yet."""
        for process in self.held.values():
            if process.phase is Phase.EXITED and process.wait_status is None:
                assert process.custody.pidfd is not None
                process.wait_status = wait_status(process.custody.pidfd)

    def reap(self) -> None:
        """Reap all children that have ended, held or not."""
        reap_strays(self._reaper_of)

    def _reaper_of(self, pid: int) -> Callable[[], None] | None:
        process = self._by_pid.get(pid)
        return None if process is None else lambda: self._exited(process)

    def _must_be_free(self, identifier: str) -> None:
        process = self.held.get(identifier)
        if process is not None and process.phase is Phase.EXITED:
            self.forget(identifier)
        elif process is not None:
            raise NotHeldError(f"{identifier} is held already")

    def _running(self, identifier: str) -> Process:
        process = self.held.get(identifier)
        if process is None or process.phase is not Phase.RUNNING:
            raise NotHeldError(f"{identifier} is not running")
        return process

    def _filter(self, path: str) -> bytes | None:
        """Return a compiled filter; the content of a path never changes."""
        if not path:
            return None
        program = self._filters.get(path)
        if program is None:
            with open(path, "rb") as file:
                program = self._filters[path] = file.read()
        return program

    def _forked(self, custody: Custody, child: Child, reply: Reply) -> Process:
        custody.pid, custody.pidfd = child.pid, child.pidfd
        custody.start_ticks = start_ticks(child.pid) or 0
        process = Process(custody, Phase.CREATED, channel=child.channel, reply=reply)
        self._loop.add(child.channel, lambda _mask: self._reported(process))
        self._hold(process)
        return process

    def _hold(self, process: Process) -> None:
        custody = process.custody
        assert custody.pidfd is not None
        self.held[custody.id] = process
        self._by_pid[custody.pid] = process
        self._loop.add(custody.pidfd, lambda _mask: self._exited(process))
        if custody.stdout is not None:
            self._attach(process)

    def _attach(self, process: Process) -> None:
        def all_stored() -> None:
            if process.ended:
                self._finish(process)

        process.output = Output(self._loop, self._logs, process.custody, self._null, all_stored)
        process.output.watch()

    def _reported(self, process: Process) -> None:
        """Take what the child says on its channel, up to its exec or failure."""
        while process.channel >= 0:
            report = self._launcher.read_report(process.channel)
            match report:
                case None:
                    return
                case Ready(terminal):
                    self._ready(process, terminal)
                case Failed(step, number, message, exit_code):
                    process.failure = Failure(step, number, message, exit_code)
                    self._close_channel(process)
                case Executed():
                    self._close_channel(process)
                    if process.proceeded and process.failure is None:
                        self._executed(process)

    def _ready(self, process: Process, terminal: int | None) -> None:
        custody = process.custody
        if terminal is not None:
            os.set_blocking(terminal, False)
            custody.terminal = terminal
            if custody.log_directory:
                stdio.open_relay(custody)
                self._attach(process)
        if not process.proceeded:
            self._answer(process)

    def _executed(self, process: Process) -> None:
        process.phase = Phase.RUNNING
        process.at_ns = time.time_ns()
        self._answer(process)

    def _answer(self, process: Process) -> None:
        """Answer whoever waits; the first answer brings duplicates of the descriptors."""
        reply, process.reply = process.reply, None
        if reply is not None:
            message = process.custody.to_message() | {"at_ns": process.at_ns}
            reply.done(message, {} if process.handed_over else process.custody.descriptors())
            process.handed_over = True

    def _close_channel(self, process: Process) -> None:
        self._loop.remove(process.channel)
        os.close(process.channel)
        process.channel = -1

    def _exited(self, process: Process) -> None:
        """The pidfd says that the process is gone."""
        if process.ended:
            return
        assert process.custody.pidfd is not None
        if process.channel >= 0:
            self._reported(process)
        process.wait_status = wait_status(process.custody.pidfd)
        process.at_ns = time.time_ns()
        process.ended = True
        self._loop.remove(process.custody.pidfd)
        self._by_pid.pop(process.custody.pid, None)
        if process.phase is Phase.CREATED:
            self._fail(process)
        elif process.output is None or process.output.ended:
            self._finish(process)
        else:
            process.output.drain()
            self._loop.later(_OUTPUT_GRACE_SECONDS, lambda: self._finish(process))

    def _fail(self, process: Process) -> None:
        if process.output is not None and process.proceeded:
            process.output.mark(Kind.RUN_END)
        reply, process.reply = process.reply, None
        self._drop(process)
        if reply is not None and process.abandoned:
            reply.done()
        elif reply is not None:
            reply.failed(process.failure or _GONE)

    def _finish(self, process: Process) -> None:
        """All output is stored: write the exit record and tell."""
        if process.phase is not Phase.RUNNING:
            return
        process.phase = Phase.EXITED
        custody = process.custody
        if process.output is not None:
            process.output.mark(Kind.RUN_END)
            process.output.close()
            process.output = None
        exited = Exited(custody.id, process.wait_status, process.at_ns)
        # Without room for the record it is held in memory all the same.
        with contextlib.suppress(OSError):
            exits.write(self._exec_root, exited)
        for name, number in custody.descriptors().items():
            if name != "pidfd":
                setattr(custody, name, None)
                os.close(number)
        stdio.remove_stdio(self._exec_root, custody.id)
        self._tell(exited)

    def _drop(self, process: Process) -> None:
        """Close all that is left of a process and forget it."""
        if process.output is not None:
            process.output.close()
            process.output = None
        if process.channel >= 0:
            self._close_channel(process)
        process.custody.close()
        stdio.remove_stdio(self._exec_root, process.custody.id)
        if self.held.get(process.custody.id) is process:
            del self.held[process.custody.id]
