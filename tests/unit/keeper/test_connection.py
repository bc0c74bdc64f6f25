"""An engine that does not read never blocks the keeper, and is cut off before memory runs out."""

from __future__ import annotations

import os
import socket

import pytest

from wherry.keeper import connection as module
from wherry.keeper.connection import Connection
from wherry.keeper.loop import Loop
from wherry.keeper.protocol import receive


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
