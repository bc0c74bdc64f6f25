"""A connection whose other end is a script."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from wherry.client.address import Address
from wherry.client.http import Connection


class Scripted(Address):
    """An address at which each connection finds the next scripted reply, already sent and ended."""

    def __init__(self, *replies: bytes, end: bool = True) -> None:
        super().__init__("unix:///scripted")
        self.replies = list(replies)
        self.end = end
        self.peers: list[socket.socket] = []

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        # A test shall fail, not hang; settimeout() would make MSG_DONTWAIT wait.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
        self.peers.append(theirs)
        theirs.sendall(self.replies.pop(0))
        if self.end:
            theirs.shutdown(socket.SHUT_WR)
        return ours

    def received(self, n: int = 0) -> bytes:
        """Return what the client has sent on its n-th connection."""
        return self.peers[n].recv(1 << 20)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Make scripted addresses; their sockets are closed afterwards."""
    made: list[Scripted] = []

    def make(*replies: bytes, end: bool = True) -> Scripted:
        made.append(Scripted(*replies, end=end))
        return made[-1]

    yield make
    for address in made:
        for peer in address.peers:
            peer.close()


@pytest.fixture
def connected(scripted: Callable[..., Scripted]) -> Iterator[Callable[..., Connection]]:
    """Make connections to scripted addresses."""
    made: list[Connection] = []

    def make(*replies: bytes, end: bool = True) -> Connection:
        made.append(Connection(scripted(*replies, end=end)))
        return made[-1]

    yield make
    for connection in made:
        connection.close()
