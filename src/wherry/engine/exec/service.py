"""Exec: create, start, inspect, resize."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from typing import Any

from wherry.base.atomic import write_file
from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError, InvalidError, NotFoundError, WherryError
from wherry.base.ids import ExecId, new_id
from wherry.engine.containers.bundle import Bundles
from wherry.engine.containers.create import container_attributes
from wherry.engine.containers.record import Container, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.exec.attachment import ExecAttachment
from wherry.engine.exec.view import ExecView
from wherry.engine.spec import capabilities, environment
from wherry.engine.spec.container import capability_sets
from wherry.engine.spec.container import user as user_object
from wherry.engine.supervision.keepers import Keepers
from wherry.engine.supervision.values import ExitRecord
from wherry.keeper.client import LaunchError
from wherry.keeper.protocol import CreateExec, Custody
from wherry.linux import pidfd, terminal
from wherry.oci.environment import merge
from wherry.wire.requests import ExecCreate

_UNKNOWN_EXIT = 255
_NOT_EXECUTABLE = 126
_REMEMBERED_AFTER_END = 256


class NoSuchExecError(NotFoundError):
    """No exec has that id."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"No such exec instance: {identifier}")


class ExecStartError(InvalidError):
    """The program could not be executed."""


class Execs:
    """All execs of the engine. Lives on the event loop."""

    def __init__(
        self,
        table: ContainerTable,
        bundles: Bundles,
        keepers: Keepers,
        events: Events,
        exec_root: str,
    ) -> None:
        self._table = table
        self._bundles = bundles
        self._keepers = keepers
        self._events = events
        self._directory = os.path.join(exec_root, "exec")
        self._by_id: dict[str, ExecView] = {}
        os.makedirs(self._directory, 0o700, exist_ok=True)

    async def create(self, ref: str, wanted: ExecCreate) -> str:
        """Note what is to be executed in a running container; returns the id."""
        record = self._running(ref)
        view = ExecView(ExecId(new_id()), record.id, wanted)
        self._forget_old()
        self._by_id[view.id] = view
        record.exec_ids.append(view.id)
        line = " ".join(environment.words(wanted.cmd))
        self._emit(record, view, f"exec_create: {line}")
        return view.id

    def _running(self, ref: str) -> Container:
        record = self._table.find(ref)
        if record.state.status is Status.PAUSED:
            raise ConflictError(f"Container {ref} is paused, unpause the container before exec")
        if not record.state.running:
            raise ConflictError(f"Container {record.id} is not running")
        return record

    def _forget_old(self) -> None:
        ended = [view.id for view in self._by_id.values() if view.ended.is_set()]
        for identifier in ended[:-_REMEMBERED_AFTER_END]:
            del self._by_id[identifier]

    def _find(self, identifier: str) -> ExecView:
        found = self._by_id.get(identifier)
        if found is None:
            raise NoSuchExecError(identifier)
        return found

    async def inspect(self, identifier: str) -> ExecView:
        """Return an exec."""
        return self._find(identifier)

    async def begin(self, identifier: str, *, tty: bool) -> ExecView:
        """Claim an exec: refuse now what cannot be started, before a client is told to go on."""
        view = self._find(identifier)
        if view.started:
            raise ConflictError(f"Error: Exec command {identifier} has already run")
        self._running(view.container_id)
        view.started = True
        view.config.tty = view.config.tty or tty
        return view

    async def start(
        self, identifier: str, *, detach: bool, console_size: tuple[int, int] | None
    ) -> ExecAttachment | None:
        """Execute what `begin` claimed; returns its streams unless it is detached."""
        view = self._find(identifier)
        try:
            return await self._start(view, detach=detach, console_size=console_size)
        except ExecStartError:
            raise
        except WherryError as error:
            # Such as a user that the container does not have: told as a failure to execute.
            self._ended(view, _NOT_EXECUTABLE)
            raise ExecStartError(str(error)) from error
        except BaseException:
            self._ended(view, _NOT_EXECUTABLE)
            raise

    async def _start(
        self, view: ExecView, *, detach: bool, console_size: tuple[int, int] | None
    ) -> ExecAttachment | None:
        record = self._running(view.container_id)
        line = " ".join(environment.words(view.config.cmd))
        self._emit(record, view, f"exec_start: {line}")
        seccomp = await in_thread(self._filter, record, view)
        path = await in_thread(self._write_process, record, view)
        streams = _Streams(view.config, detach=detach)
        size = console_size or _size(view.config.console_size)
        request = CreateExec(
            id=view.id,
            container_id=record.id,
            process=path,
            cgroups_path=self._bundles.cgroups_path(record),
            stdio=None if view.config.tty else streams.theirs,
            terminal=view.config.tty,
            console_size=size,
            seccomp=seccomp,
        )
        try:
            custody = await self._keepers.exec(request)
        except LaunchError as error:
            streams.close()
            self._ended(view, error.exit_code)
            raise ExecStartError(
                "OCI runtime exec failed: exec failed: unable to start container process:"
                f" {error.message}: unknown"
            ) from error
        except BaseException:
            streams.close()
            raise
        finally:
            streams.close_theirs()
            os.unlink(path)
        view.running, view.pid = not view.ended.is_set(), custody.pid
        return None if detach else streams.attachment(view, custody)

    def _write_process(self, record: Container, view: ExecView) -> str:
        path = os.path.join(self._directory, f"{view.id}.json")
        write_file(path, json.dumps(self._process(record, view)).encode(), 0o600)
        return path

    def _process(self, record: Container, view: ExecView) -> Mapping[str, Any]:
        wanted = view.config
        identity = self._bundles.identity(record, wanted.user or record.config.user)
        with open(f"{self._bundles.directory(record)}/config.json", "rb") as file:
            first: dict[str, Any] = json.load(file)["process"]
        names = (
            capabilities.effective((), (), privileged=True, available=self._bundles.capabilities)
            if wanted.privileged
            else first["capabilities"]["bounding"]
        )
        made = merge(first["env"], wanted.env or [])
        if wanted.tty and not any(entry.startswith("TERM=") for entry in made):
            made.append("TERM=xterm")
        if wanted.user:
            made = merge(made, [f"HOME={identity.home}"])
        return {
            "terminal": wanted.tty,
            "user": user_object(identity),
            "args": environment.command([], environment.words(wanted.cmd)),
            "env": made,
            "cwd": wanted.working_dir or first["cwd"],
            "capabilities": capability_sets(names, identity.uid),
            "noNewPrivileges": first["noNewPrivileges"],
            "oomScoreAdj": first["oomScoreAdj"],
            "rlimits": first["rlimits"],
        }

    def _filter(self, record: Container, view: ExecView) -> str:
        return "" if view.config.privileged else self._bundles.seccomp(record)

    async def resize(self, identifier: str, height: int, width: int) -> None:
        """Set the size of the process's terminal."""
        view = self._find(identifier)
        custody = self._keepers.held(view.id)
        if custody is None or not view.running:
            raise ConflictError(f"exec {identifier} is not running")
        if custody.terminal is not None and height and width:
            terminal.set_size(custody.terminal, height, width)

    def exited(self, record: ExitRecord) -> bool:
        """Note the end of a process; False when it is no exec."""
        view = self._by_id.get(record.id)
        if view is None:
            return False
        code = _UNKNOWN_EXIT if record.exit_code is None else record.exit_code
        self._ended(view, code)
        return True

    def _ended(self, view: ExecView, code: int) -> None:
        if view.ended.is_set():
            return
        view.running, view.exit_code = False, code
        view.ended.set()
        container = self._table.get(view.container_id)
        if container is not None:
            if view.id in container.exec_ids:
                container.exec_ids.remove(view.id)
            self._emit(container, view, "exec_die", exitCode=str(code))

    def container_ended(self, container_id: str) -> None:
        """End what is left of a container's execs: the kernel has ended their processes."""
        for view in self._by_id.values():
            if view.container_id == container_id and view.running:
                custody = self._keepers.held(view.id)
                if custody is not None and custody.pidfd is not None:
                    with contextlib.suppress(ProcessLookupError):
                        pidfd.send_signal(custody.pidfd, signal.SIGKILL)

    def _emit(self, record: Container, view: ExecView, action: str, **more: str) -> None:
        attributes = container_attributes(record, execID=view.id, **more)
        self._events.emit("container", action, record.id, attributes)


def _size(given: list[int] | None) -> tuple[int, int] | None:
    return (given[0], given[1]) if given and len(given) == 2 and any(given) else None


class _Streams:
    """Pipes for a process: theirs for the fork, ours for the attachment."""

    def __init__(self, config: ExecCreate, *, detach: bool) -> None:
        self._theirs: list[int] = []
        self._stdin: int | None = None
        self._outputs: dict[str, int] = {}
        if config.tty:
            return
        stdin = None
        if config.attach_stdin and not detach:
            stdin, self._stdin = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._stdin, False)
        self._theirs.append(_null() if stdin is None else stdin)
        for name, wanted in (("stdout", config.attach_stdout), ("stderr", config.attach_stderr)):
            if wanted and not detach:
                self._outputs[name], theirs = os.pipe2(os.O_CLOEXEC)
                os.set_blocking(self._outputs[name], False)
                self._theirs.append(theirs)
            else:
                self._theirs.append(_null())

    @property
    def theirs(self) -> tuple[int, int, int]:
        stdin, stdout, stderr = self._theirs
        return stdin, stdout, stderr

    def close_theirs(self) -> None:
        while self._theirs:
            os.close(self._theirs.pop())

    def close(self) -> None:
        for descriptor in (*self._outputs.values(), *([self._stdin] if self._stdin else [])):
            os.close(descriptor)
        self._outputs.clear()
        self._stdin = None

    def attachment(self, view: ExecView, custody: Custody) -> ExecAttachment:
        """Return the attachment, which owns our ends from here on."""
        if custody.terminal is not None:
            ours = os.dup(custody.terminal)
            os.set_blocking(ours, False)
            return ExecAttachment(view, tty=True, stdin=os.dup(ours), outputs={"stdout": ours})
        return ExecAttachment(view, tty=False, stdin=self._stdin, outputs=self._outputs)


def _null() -> int:
    return os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
