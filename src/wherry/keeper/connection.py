"""The keeper's side of the engine's connection: never blocks, never buffers without bound.

One engine at a time: a new connection replaces the old one as soon as it says something, for the
old one's engine is dead or will find out. Who connects and is silent, such as somebody who looks
whether the keeper lives, replaces nobody. An engine that is too far behind in reading is cut off;
it connects again and asks for everything that the keeper holds.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from wherry.keeper.loop import READ, WRITE, Loop
from wherry.keeper.protocol import (
    Failure,
    Message,
    ProtocolError,
    close_all,
    receive,
    send,
)

MOST_QUEUED: Final = 4096
MOST_SILENT: Final = 16

# Takes a request, the descriptors that came with it (then its own to close), and where to answer.
RequestHandler = Callable[[Message, dict[str, int], "Reply"], None]


class Connection:
    """One engine's connection."""

    def __init__(
        self,
        loop: Loop,
        peer: socket.socket,
        on_request: RequestHandler,
        on_close: Callable[[Connection], None],
    ) -> None:
        self._loop = loop
        self._socket = peer
        self._on_request = on_request
        self._on_close = on_close
        self._queue: deque[tuple[Message, dict[str, int]]] = deque()
        self._closed = False
        peer.setblocking(False)
        loop.add(peer.fileno(), self._ready)

    @property
    def queued(self) -> int:
        """How many messages wait for the engine to read."""
        return len(self._queue)

    def send(self, message: Message, descriptors: Mapping[str, int] | None = None) -> None:
        """Send, or queue, a message; the descriptors stay the caller's."""
        if self._closed:
            return
        if not self._queue:
            try:
                send(self._socket, message, descriptors)
            except BlockingIOError:
                self._loop.modify(self._socket.fileno(), READ | WRITE)
            except OSError:
                self.close()
                return
            else:
                return
        if len(self._queue) >= MOST_QUEUED:
            self.close()
            return
        copies = {name: os.dup(number) for name, number in (descriptors or {}).items()}
        self._queue.append((message, copies))

    def close(self) -> None:
        """Close the connection; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove(self._socket.fileno())
        self._socket.close()
        while self._queue:
            close_all(list(self._queue.popleft()[1].values()))
        self._on_close(self)

    def _ready(self, mask: int) -> None:
        if mask & WRITE:
            self._flush()
        if mask & ~WRITE and not self._closed:
            self._read()

    def _read(self) -> None:
        try:
            received = receive(self._socket)
        except BlockingIOError:
            return
        except (OSError, ProtocolError):
            received = None
        if received is None:
            self.close()
            return
        message, descriptors = received
        self._on_request(message, descriptors, Reply(self, message.get("seq", 0)))

    def _flush(self) -> None:
        while self._queue:
            message, copies = self._queue[0]
            try:
                send(self._socket, message, copies)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self._queue.popleft()
            close_all(list(copies.values()))
        self._loop.modify(self._socket.fileno(), READ)


class Reply:
    """Where the answer to one request goes; a connection that is gone swallows it."""

    __slots__ = ("_seq", "connection")

    def __init__(self, connection: Connection, seq: int) -> None:
        self.connection = connection
        self._seq = seq

    def done(
        self, message: Message | None = None, descriptors: Mapping[str, int] | None = None
    ) -> None:
        """Answer that it is done, with what was asked for."""
        self.connection.send({"re": self._seq, **(message or {})}, descriptors)

    def failed(self, failure: Failure) -> None:
        """Answer why it could not be done."""
        self.connection.send({"re": self._seq, "failed": failure.to_message()})


class Listener:
    """Accepts engines; `connection` is that of the newest that spoke, None while there is none."""

    def __init__(
        self,
        loop: Loop,
        listening: socket.socket,
        on_request: RequestHandler,
        on_lost: Callable[[], None],
    ) -> None:
        self.connection: Connection | None = None
        self._silent: list[Connection] = []  # in the order in which they came
        self._loop = loop
        self._listening = listening
        self._on_request = on_request
        self._on_lost = on_lost
        listening.setblocking(False)
        loop.add(listening.fileno(), self._accept)

    def send(self, message: Message) -> None:
        """Send to the engine, if there is one."""
        if self.connection is not None:
            self.connection.send(message)

    def _accept(self, _mask: int) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            peer, _ = self._listening.accept()
            self._silent.append(Connection(self._loop, peer, self._spoken, self._gone))
            if len(self._silent) > MOST_SILENT:
                self._silent[0].close()

    def _spoken(self, message: Message, descriptors: dict[str, int], reply: Reply) -> None:
        if reply.connection is not self.connection:
            self._replace(reply.connection)
        self._on_request(message, descriptors, reply)

    def _replace(self, connection: Connection) -> None:
        self._silent.remove(connection)
        old, self.connection = self.connection, connection
        if old is not None:
            old.close()

    def _gone(self, connection: Connection) -> None:
        if connection in self._silent:
            self._silent.remove(connection)
        elif connection is self.connection:
            self.connection = None
            self._on_lost()
