"""What engine and keeper say to each other, and how it travels.

One SOCK_SEQPACKET connection; a message is one packet: a JSON object and the descriptors that it
speaks of (SCM_RIGHTS). `"descriptors": ["pidfd", ...]` names the descriptors in their order.

    engine to keeper   {"op": "create", "seq": 7, ...}     a request
    keeper to engine   {"re": 7, ...}                      its answer
                       {"re": 7, "failed": {...}}          or why not
                       {"event": "exited", ...}            a process has ended

Answers may come in another order than the requests. Whatever the keeper holds can be asked for
again, so a lost connection loses nothing. Knows neither epoll nor asyncio.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from wherry.base.values import dataclass, field
from wherry.logs.writer import LogOptions

VERSION: Final = 1
LARGEST_MESSAGE: Final = 1 << 16
MOST_DESCRIPTORS: Final = 16
# Entries of one answer to `list`: far below the largest message.
PAGE: Final = 128

Message = dict[str, Any]


class Op(StrEnum):
    """What the engine can ask for."""

    HELLO = "hello"
    LIST = "list"
    TAKE = "take"
    CREATE = "create"
    START = "start"
    EXEC = "exec"
    ADOPT = "adopt"
    CLOSE_STDIN = "close-stdin"
    ABANDON = "abandon"
    FORGET = "forget"
    RETIRE = "retire"


class Phase(StrEnum):
    """Where a held process is in its life."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """A container to fork. `namespaces` maps a kind to the descriptor of one to join.

    `seccomp` is the path of a file with a compiled filter, whose content never changes; empty for
    what the bundle says. Without `open_stdin` standard input is /dev/null.
    """

    id: str
    bundle: str
    log_directory: str
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    open_stdin: bool = False
    log_options: LogOptions = field(default_factory=LogOptions)
    namespaces: Mapping[str, int] = field(default_factory=dict)
    seccomp: str = ""

    def to_message(self) -> Message:
        """Return the JSON form; the descriptors to send with it are `namespaces`."""
        return {
            "id": self.id,
            "bundle": self.bundle,
            "log_directory": self.log_directory,
            "terminal": self.terminal,
            "console_size": self.console_size,
            "open_stdin": self.open_stdin,
            "log_options": [self.log_options.max_size, self.log_options.max_file],
            "seccomp": self.seccomp,
        }


def create_container_from(message: Message, descriptors: Mapping[str, int]) -> CreateContainer:
    """Make a request of its JSON form and the descriptors that came with it."""
    return CreateContainer(
        id=message["id"],
        bundle=message["bundle"],
        log_directory=message["log_directory"],
        terminal=message["terminal"],
        console_size=_size(message["console_size"]),
        open_stdin=message["open_stdin"],
        log_options=LogOptions(*message["log_options"]),
        namespaces=descriptors,
        seccomp=message["seccomp"],
    )


@dataclass(frozen=True, slots=True)
class CreateExec:
    """A process to add to a running container. `process` is the path of an OCI process in JSON.

    `stdio` are the caller's ends of its pipes, which the process gets as 0, 1 and 2; none with a
    terminal.
    """

    id: str
    container_id: str
    process: str
    cgroups_path: str
    stdio: tuple[int, int, int] | None = None
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    seccomp: str = ""

    def to_message(self) -> Message:
        """Return the JSON form; the descriptors to send with it are `descriptors()`."""
        return {
            "id": self.id,
            "container_id": self.container_id,
            "process": self.process,
            "cgroups_path": self.cgroups_path,
            "terminal": self.terminal,
            "console_size": self.console_size,
            "seccomp": self.seccomp,
        }

    def descriptors(self) -> dict[str, int]:
        """Return the standard streams by name."""
        return dict(zip(_STREAMS, self.stdio, strict=True)) if self.stdio else {}


_STREAMS: Final = ("stdin", "stdout", "stderr")


def create_exec_from(message: Message, descriptors: Mapping[str, int]) -> CreateExec:
    """Make a request of its JSON form and the descriptors that came with it."""
    stdio = None
    if not message["terminal"]:
        stdin, stdout, stderr = (descriptors[name] for name in _STREAMS)
        stdio = (stdin, stdout, stderr)
    return CreateExec(
        id=message["id"],
        container_id=message["container_id"],
        process=message["process"],
        cgroups_path=message["cgroups_path"],
        stdio=stdio,
        terminal=message["terminal"],
        console_size=_size(message["console_size"]),
        seccomp=message["seccomp"],
    )


def _size(value: list[int] | None) -> tuple[int, int] | None:
    return (value[0], value[1]) if value else None


DESCRIPTORS: Final = ("pidfd", "stdin", "stdout", "stderr", "terminal", "relay")


@dataclass(slots=True)
class Custody:
    """A held process and the descriptors that keep it going, for whoever owns this object.

    `stdout` and `stderr` are read ends that only the keeper may read; `stdin` a write end;
    `terminal` the master of a terminal, whose output goes through a pipe into which `relay` writes
    and from which `stdout` reads. stdin, terminal and the read ends do not block. An empty
    `log_directory` means that the keeper stores no output (an exec).
    """

    id: str
    pid: int
    start_ticks: int
    log_directory: str = ""
    log_options: LogOptions = field(default_factory=LogOptions)
    pidfd: int | None = None
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    terminal: int | None = None
    relay: int | None = None

    def descriptors(self) -> dict[str, int]:
        """Return the descriptors that there are, by name."""
        named = {name: getattr(self, name) for name in DESCRIPTORS}
        return {name: value for name, value in named.items() if value is not None}

    def close(self) -> None:
        """Close all descriptors."""
        for name, value in self.descriptors().items():
            setattr(self, name, None)
            os.close(value)

    def to_message(self) -> Message:
        """Return what `custody_from` needs, without the descriptors."""
        return {
            "id": self.id,
            "pid": self.pid,
            "start_ticks": self.start_ticks,
            "log_directory": self.log_directory,
            "log_options": [self.log_options.max_size, self.log_options.max_file],
        }


def custody_from(message: Message, descriptors: Mapping[str, int]) -> Custody:
    """Make a custody of a message and the descriptors that came with it."""
    return Custody(
        id=message["id"],
        pid=message["pid"],
        start_ticks=message["start_ticks"],
        log_directory=message["log_directory"],
        log_options=LogOptions(*message["log_options"]),
        **{name: descriptors.get(name) for name in DESCRIPTORS},
    )


@dataclass(frozen=True, slots=True)
class Held:
    """One line of the keeper's list. `wait_status` is None for "running" and for "unknown"."""

    id: str
    pid: int
    start_ticks: int
    phase: Phase
    wait_status: int | None = None
    at_ns: int = 0

    def to_message(self) -> Message:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}


def held_from(message: Message) -> Held:
    """Make an entry of its JSON form."""
    return Held(**(message | {"phase": Phase(message["phase"])}))


@dataclass(frozen=True, slots=True)
class Exited:
    """A process has ended and all its output is stored. `wait_status` is as wait(2) gives it.

    None where the keeper is not the parent and the kernel does not tell: unknown, never 0.
    """

    id: str
    wait_status: int | None
    at_ns: int

    def to_message(self) -> Message:
        """Return the JSON form."""
        return {"id": self.id, "wait_status": self.wait_status, "at_ns": self.at_ns}


def exited_from(message: Message) -> Exited:
    """Make an exit of its JSON form."""
    return Exited(message["id"], message["wait_status"], message["at_ns"])


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request failed: at which step, and what a user is told."""

    step: str
    errno: int
    message: str
    exit_code: int

    def to_message(self) -> Message:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__slots__}


class ProtocolError(Exception):
    """The other side sent what no version of the protocol knows."""


def send(
    connection: socket.socket, message: Message, descriptors: Mapping[str, int] | None = None
) -> None:
    """Send one message. Raises BlockingIOError where the other side is behind in reading."""
    if descriptors:
        message = message | {"descriptors": list(descriptors)}
    data = json.dumps(message, separators=(",", ":")).encode()
    if len(data) > LARGEST_MESSAGE:
        raise ProtocolError(f"a message of {len(data)} bytes is too large")
    rights: Sequence[tuple[int, int, array.array[int]]] = ()
    if descriptors:
        numbers = array.array("i", descriptors.values())
        rights = ((socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers),)
    connection.sendmsg((data,), rights, socket.MSG_NOSIGNAL)


def receive(connection: socket.socket) -> tuple[Message, dict[str, int]] | None:
    """Receive one message and its descriptors, which are the caller's to close; None at the end.

    Raises BlockingIOError where there is none yet, ProtocolError on what is no message.
    """
    space = socket.CMSG_SPACE(MOST_DESCRIPTORS * 4)
    data, ancillary, flags, _ = connection.recvmsg(LARGEST_MESSAGE, space, socket.MSG_CMSG_CLOEXEC)
    numbers = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
    if not data:
        return None
    try:
        cut = flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        message = {} if cut else json.loads(data)
        named = dict(zip(message.pop("descriptors", ()), numbers, strict=True))
    except (ValueError, TypeError, AttributeError) as error:
        close_all(numbers)
        raise ProtocolError(f"not a message: {data[:80]!r}") from error
    if cut:
        close_all(numbers)
        raise ProtocolError(f"a message was cut short: {data[:80]!r}")
    return message, named


def close_all(descriptors: Sequence[int] | array.array[int]) -> None:
    """Close descriptors that came with a message nobody wants."""
    for number in descriptors:
        os.close(number)
