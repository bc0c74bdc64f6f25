"""An engine that does not read never blocks the keeper, and is cut off before memory runs out.

One engine at a time, which nobody severs by looking.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator

import pytest

from wherry.keeper import connection as module
from wherry.keeper.connection import Connection, Listener, Reply
from wherry.keeper.loop import Loop
from wherry.keeper.protocol import Message, receive, send


class Keeper:
    """A connection of a keeper that is only a loop."""

    def __init__(self) -> None:
        self.loop = Loop()
        ours, self.engine = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.engine.setblocking(False)
        self.lost: list[Connection] = []
        self.connection = Connection(self.loop, ours, lambda *_: None, self.lost.append)

    def fill(self) -> int:
        """Send until the socket is full, and one more; return how many."""
        sent = 0
        while not self.connection.queued:
            self.connection.send({"number": sent})
            sent += 1
        return sent


def numbers(keeper: Keeper) -> list[int]:
    found = []
    try:
        while received := receive(keeper.engine):
            found.append(received[0]["number"])
    except BlockingIOError:
        pass
    return found


def test_what_does_not_fit_waits_and_arrives_in_order() -> None:
    keeper = Keeper()
    sent = keeper.fill()
    keeper.connection.send({"number": sent})
    found = numbers(keeper)
    keeper.loop.run_once()
    assert found + numbers(keeper) == list(range(sent + 1))
    assert keeper.connection.queued == 0
    keeper.connection.close()
    keeper.engine.close()


def test_waiting_descriptors_are_duplicates() -> None:
    keeper = Keeper()
    keeper.fill()
    read, write = os.pipe()
    keeper.connection.send({"number": -1}, {"end": write})
    os.close(write)
    numbers(keeper)
    keeper.loop.run_once()
    while received := receive(keeper.engine):
        if received[0]["number"] == -1:
            os.write(received[1]["end"], b"alive")
            os.close(received[1]["end"])
            break
    assert os.read(read, 9) == b"alive"
    os.close(read)
    keeper.connection.close()
    keeper.engine.close()


def test_too_far_behind_it_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_QUEUED", 3)
    keeper = Keeper()
    keeper.fill()
    for _ in range(3):
        keeper.connection.send({"number": 0})
    assert keeper.lost == [keeper.connection]
    keeper.connection.send({"number": 0})
    keeper.engine.close()


class Door:
    """A listener of a keeper that answers every request by itself."""

    def __init__(self, path: str) -> None:
        self.loop = Loop()
        self.lost = 0
        self.path = path
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(path)
        self.listening.listen()
        self.listener = Listener(self.loop, self.listening, self._answer, self._count)

    def _answer(self, message: Message, descriptors: dict[str, int], reply: Reply) -> None:
        reply.done({"heard": message["op"]})

    def _count(self) -> None:
        self.lost += 1

    def come(self) -> socket.socket:
        """Connect, as somebody who says nothing yet."""
        engine = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        engine.connect(self.path)
        self.loop.run_once()
        return engine

    def speak(self, engine: socket.socket) -> Message:
        """Say something, and return the answer."""
        send(engine, {"op": "hello", "seq": 1})
        self.loop.run_once()
        told = receive(engine)
        assert told is not None
        return told[0]


@pytest.fixture
def door() -> Iterator[Door]:
    # The path of a socket is short, and folders of tests are not.
    with tempfile.TemporaryDirectory(prefix="wr.") as folder:
        made = Door(f"{folder}/socket")
        with made.listening:
            yield made


def is_open(engine: socket.socket) -> bool:
    """Tell whether the keeper has left the connection open; nothing may be waiting in it."""
    engine.setblocking(False)
    try:
        return engine.recv(1) != b""
    except BlockingIOError:
        return True
    finally:
        engine.setblocking(True)


def test_who_says_nothing_replaces_nobody(door: Door) -> None:
    engine = door.come()
    door.speak(engine)
    with door.come() as stranger:
        assert is_open(engine)
        assert is_open(stranger)
    door.loop.run_once()
    door.listener.send({"event": "x"})
    assert door.speak(engine) == {"event": "x"}
    assert door.lost == 0
    engine.close()
    door.loop.run_once()
    assert door.lost == 1
    assert door.listener.connection is None


def test_who_speaks_replaces_who_spoke_before(door: Door) -> None:
    with door.come() as old, door.come() as new:
        door.speak(old)
        assert door.speak(new) == {"re": 1, "heard": "hello"}
        assert not is_open(old)
        assert is_open(new)
        assert door.lost == 0


def test_those_who_are_silent_are_few(door: Door) -> None:
    with door.come() as engine:
        door.speak(engine)
        strangers = [door.come() for _ in range(module.MOST_SILENT + 3)]
        assert [is_open(one) for one in strangers] == [False] * 3 + [True] * module.MOST_SILENT
        assert is_open(engine)
        for one in strangers:
            one.close()
