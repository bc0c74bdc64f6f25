"""Listening sockets: unix and TCP, with TLS or without. Each connection is served in a task.

A unix socket is bound under a passing name and renamed into place with its mode and group set, so
that nobody can connect before they are, and a stale socket of a dead engine is replaced at once.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.api.http.connection import Application, Connection
from wherry.api.http.transport import WatchedReader, Wire

if TYPE_CHECKING:
    import ssl

    from wherry.api.http.secure import Door

BACKLOG = 1024
BUFFER_BYTES = 1 << 19


class Listeners:
    """The sockets of one server and the connections that came from them."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._servers: list[asyncio.Server] = []
        self._paths: list[tuple[str, int]] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._door: Door | None = None

    async def unix(self, path: str, mode: int = 0o660, group: int = -1) -> None:
        """Listen on a unix socket at `path`."""
        await self.adopt(bind_unix(path, mode, group))
        self._paths.append((path, os.stat(path).st_ino))

    async def tcp(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen on a TCP address; with a context, TLS is spoken there."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        await self.adopt(listener, context)

    async def adopt(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Serve connections of a socket that is bound already."""
        loop = asyncio.get_running_loop()
        factory: Callable[[], asyncio.Protocol] = self._protocol
        if context is not None:
            factory = self._behind(context)
        # For unix sockets too: create_unix_server of Python 3.13 removes the file when it closes,
        # which may be systemd's.
        server = await loop.create_server(factory, sock=listener, backlog=BACKLOG)
        self._servers.append(server)

    def renew(self, context: ssl.SSLContext) -> None:
        """Speak TLS with another context from now on; connections that are there go on."""
        if self._door is not None:
            self._door.context = context

    def _behind(self, context: ssl.SSLContext) -> Callable[[], asyncio.Protocol]:
        # Loaded by an engine that speaks TLS.
        from wherry.api.http.secure import Door  # noqa: PLC0415

        door = self._door = self._door or Door(context)
        return lambda: door.protocol(self._protocol)

    async def close(self) -> None:
        """Stop listening, remove unix sockets that are still ours, end every connection."""
        for server in self._servers:
            server.close()
        if self._door is not None:
            self._door.close()
        for path, inode in self._paths:
            with suppress(FileNotFoundError):
                if os.stat(path).st_ino == inode:
                    os.unlink(path)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        reader = WatchedReader(limit=BUFFER_BYTES)

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = Connection(Wire(reader, writer), self._application)
            task = asyncio.ensure_future(connection.serve())
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

        return asyncio.StreamReaderProtocol(reader, connected)


def bind_unix(path: str, mode: int, group: int) -> socket.socket:
    """Bind a unix socket with its mode and group, in the place of a stale one."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(f"{path} exists and is no socket")
        if _answers(path):
            raise FileExistsError(f"{path} is another process's: it is being listened to")
    passing = f"{path}.{os.getpid()}"
    with suppress(FileNotFoundError):
        os.unlink(passing)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.bind(passing)
        os.chown(passing, -1, group)
        os.chmod(passing, mode)
        listener.listen(BACKLOG)
        os.rename(passing, path)
    except BaseException:
        listener.close()
        with suppress(FileNotFoundError):
            os.unlink(passing)
        raise
    return listener


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:  # its backlog is full: somebody is there
            return True
        except OSError:
            return False
    return True
