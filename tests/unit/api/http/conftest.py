"""A connection whose client is the test, speaking raw bytes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from wherry.api.http.connection import Connection, Handling
from wherry.api.http.message import Reply, Request, Response
from wherry.api.http.transport import WatchedReader, Wire

Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class OneHandler:
    """An application with a single handler."""

    handler: Handler
    cancellable: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: {"Server": "test"})

    def handle(self, request: Request) -> Handling:
        return Handling(lambda: self.handler(request), self.cancellable)

    def failure(self, error: Exception) -> Reply:
        return Reply(500, str(error).encode(), "text/plain")

    def broken(self, error: Exception) -> bytes | None:
        return f"broken: {error}".encode()


class Client:
    """The test's end: what it has read and not yet looked at is in `seen`."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.seen = b""
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.sock, data)

    async def until(self, mark: bytes) -> bytes:
        """Read until `mark` has come and return everything up to its end."""
        async with asyncio.timeout(5):
            while mark not in self.seen:
                data = await self._loop.sock_recv(self.sock, 65536)
                assert data, f"ended after {self.seen!r}"
                self.seen += data
        head, _, self.seen = self.seen.partition(mark)
        return head + mark

    async def rest(self) -> bytes:
        """Read to the end."""
        async with asyncio.timeout(5):
            while data := await self._loop.sock_recv(self.sock, 65536):
                self.seen += data
        return self.seen

    def end(self) -> None:
        """End the client's direction."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()


Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return a function that serves a handler to a new client."""
    tasks: list[asyncio.Task[None]] = []
    clients: list[Client] = []

    async def connected(handler: Handler, *, cancellable: bool = False) -> Client:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        reader = WatchedReader()
        transport, protocol = await loop.connect_accepted_socket(
            lambda: asyncio.StreamReaderProtocol(reader), ours
        )
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        application = OneHandler(handler, cancellable)
        tasks.append(asyncio.ensure_future(Connection(Wire(reader, writer), application).serve()))
        clients.append(Client(theirs))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
