"""The engine's end of a keeper's connection, on asyncio.

Requests may be in flight at the same time. When the connection is lost, all of them fail with
`KeeperLostError` and `on_event` gets `Lost`; what the keeper holds it goes on holding.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from wherry.base.errors import InternalError, UnavailableError
from wherry.base.values import dataclass
from wherry.keeper.protocol import (
    CreateContainer,
    CreateExec,
    Custody,
    Exited,
    Failure,
    Held,
    Message,
    Op,
    ProtocolError,
    close_all,
    custody_from,
    exited_from,
    held_from,
    receive,
    send,
)


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone, and perhaps the keeper."""


Event = Exited | Lost


class LaunchError(InternalError):
    """A process could not be started; `str(error)` is what a user is told.

    `exit_code` is what Docker reports for it: 126, 127, or 125 and 128 for the engine's own.
    """

    def __init__(self, step: str, errno: int, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.step = step
        self.errno = errno
        self.message = message
        self.exit_code = exit_code


class KeeperLostError(UnavailableError):
    """The keeper died, or let go of the connection, before it answered."""

    def __init__(self) -> None:
        super().__init__("the process that keeps containers went away; try again")


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the keeper is and everything that it holds."""

    pid: int
    version: int
    held: list[Held]


@dataclass(frozen=True, slots=True)
class Started:
    """A container's process has been executed at `at_ns`."""

    at_ns: int


class _Answer(NamedTuple):
    message: Message
    descriptors: dict[str, int]


class KeeperClient:
    """One connection to one keeper; belongs to the event loop that made it."""

    def __init__(self, connection: socket.socket, on_event: Callable[[Event], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = connection
        self._on_event = on_event
        self._waiting: dict[int, asyncio.Future[_Answer]] = {}
        self._numbers = itertools.count(1)
        self._closed = False
        self._loop.add_reader(connection.fileno(), self._ready)

    @classmethod
    async def connect(cls, path: str, on_event: Callable[[Event], None]) -> Self:
        """Connect to the keeper's socket. Raises OSError (ECONNREFUSED: it is dead)."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            connection.connect(path)
        except BaseException:
            connection.close()
            raise
        return cls(connection, on_event)

    @property
    def closed(self) -> bool:
        """True once the connection is lost or has been closed."""
        return self._closed

    async def hello(self) -> Hello:
        """Return who it is and what it holds."""
        about = (await self._request(Op.HELLO)).message
        held: list[Held] = []
        more = True
        while more:
            page = (await self._request(Op.LIST, {"from": len(held)})).message
            held += map(held_from, page["held"])
            more = page["more"]
        return Hello(about["pid"], about["version"], held)

    async def take(self, identifier: str) -> Custody:
        """Return duplicates of a held process's descriptors."""
        return custody_from(*await self._request(Op.TAKE, {"id": identifier}))

    async def create(self, request: CreateContainer) -> Custody:
        """Fork a container up to its exec. Raises LaunchError."""
        return custody_from(
            *await self._request(Op.CREATE, request.to_message(), request.namespaces)
        )

    async def start(self, identifier: str) -> Started:
        """Let a created container exec. Raises LaunchError."""
        answer = await self._request(Op.START, {"id": identifier})
        return Started(answer.message["at_ns"])

    async def exec(self, request: CreateExec) -> Custody:
        """Execute a process in a container. Raises LaunchError."""
        return custody_from(
            *await self._request(Op.EXEC, request.to_message(), request.descriptors())
        )

    async def adopt(self, custody: Custody) -> None:
        """Hand over duplicates of a running process's descriptors."""
        await self._request(Op.ADOPT, custody.to_message(), custody.descriptors())

    async def close_stdin(self, identifier: str) -> None:
        """Have the keeper close its end of a process's standard input."""
        await self._request(Op.CLOSE_STDIN, {"id": identifier})

    async def kill_created(self, identifier: str) -> None:
        """Kill a created process that will not be started; returns when nothing is left of it."""
        await self._request(Op.ABANDON, {"id": identifier})

    async def forget(self, identifier: str) -> None:
        """Acknowledge an exit."""
        await self._request(Op.FORGET, {"id": identifier})

    async def retire(self) -> bool:
        """Ask the keeper to end; it does, and this is True, if it holds nothing."""
        return not (await self._request(Op.RETIRE)).message["held"]

    def close(self) -> None:
        """Close the connection without an event; requests in flight fail."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(KeeperLostError())
        self._waiting.clear()

    async def _request(
        self,
        op: Op,
        content: Mapping[str, Any] | None = None,
        descriptors: Mapping[str, int] | None = None,
    ) -> _Answer:
        number = next(self._numbers)
        future: asyncio.Future[_Answer] = self._loop.create_future()
        self._waiting[number] = future
        try:
            await self._send({"op": op, "seq": number, **(content or {})}, descriptors)
            answer = await future
        finally:
            self._waiting.pop(number, None)
        failed = answer.message.get("failed")
        if failed is not None:
            failure = Failure(**failed)
            raise LaunchError(failure.step, failure.errno, failure.message, failure.exit_code)
        return answer

    async def _send(self, message: Message, descriptors: Mapping[str, int] | None) -> None:
        while not self._closed:
            try:
                send(self._socket, message, descriptors)
            except BlockingIOError:
                await self._writable()
            except OSError:
                self._lose()
            else:
                return
        raise KeeperLostError

    async def _writable(self) -> None:
        """Wait until the keeper has read some; several may wait, all are woken."""
        ready = asyncio.Event()
        self._loop.add_writer(self._socket.fileno(), ready.set)
        try:
            async with asyncio.timeout(1):
                await ready.wait()
        except TimeoutError:
            return  # another waiter has taken the place: look again
        finally:
            if not self._closed:
                self._loop.remove_writer(self._socket.fileno())

    def _ready(self) -> None:
        while not self._closed:
            try:
                received = receive(self._socket)
            except BlockingIOError:
                return
            except (OSError, ProtocolError):
                received = None
            if received is None:
                self._lose()
                return
            self._dispatch(_Answer(*received))

    def _dispatch(self, answer: _Answer) -> None:
        message = answer.message
        if message.get("event") == "exited":
            # Behind whoever awaits an answer that came before it.
            self._loop.call_soon(self._on_event, exited_from(message))
            return
        future = self._waiting.get(message.get("re", 0))
        if future is None or future.done():
            # Whoever asked was cancelled.
            close_all(list(answer.descriptors.values()))
            return
        future.set_result(answer)

    def _lose(self) -> None:
        if not self._closed:
            self.close()
            self._on_event(Lost())
