"""Messages and descriptors survive the journey, and what is no message is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from wherry.keeper import protocol
from wherry.keeper.protocol import CreateContainer, CreateExec, Custody, Held, Phase, ProtocolError
from wherry.logs.writer import LogOptions

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_descriptors_arrive_by_name_and_close_on_exec(pair: Pair) -> None:
    read, write = os.pipe()
    protocol.send(pair[0], {"op": "x"}, {"ours": read, "theirs": write})
    received = protocol.receive(pair[1])
    assert received is not None
    message, named = received
    assert message == {"op": "x"}
    assert list(named) == ["ours", "theirs"]
    os.write(named["theirs"], b"hi")
    assert os.read(read, 9) == b"hi"
    assert not any(os.get_inheritable(number) for number in named.values())
    protocol.close_all([read, write, *named.values()])


def test_nothing_yet_and_the_end(pair: Pair) -> None:
    with pytest.raises(BlockingIOError):
        protocol.receive(pair[1])
    pair[0].close()
    assert protocol.receive(pair[1]) is None


@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b'{"descriptors": ["one"]}'])
def test_what_is_no_message_is_refused(pair: Pair, data: bytes) -> None:
    pair[0].send(data)
    with pytest.raises(ProtocolError, match="not a message"):
        protocol.receive(pair[1])


def test_a_message_has_a_largest_size(pair: Pair) -> None:
    with pytest.raises(ProtocolError, match="too large"):
        protocol.send(pair[0], {"id": "x" * protocol.LARGEST_MESSAGE})


def test_requests_and_values_keep_their_content() -> None:
    container = CreateContainer(
        "c", "/b", "/l", terminal=True, console_size=(24, 80), log_options=LogOptions(5, 2)
    )
    assert protocol.create_container_from(container.to_message(), {}) == container
    request = CreateExec("e", "c", "/p", "/g", (3, 4, 5))
    assert protocol.create_exec_from(request.to_message(), request.descriptors()) == request
    custody = Custody("c", 1, 2, "/l", LogOptions(1, 2), pidfd=7, stdout=8)
    assert protocol.custody_from(custody.to_message(), custody.descriptors()) == custody
    held = Held("c", 1, 2, Phase.EXITED, 256, 9)
    assert protocol.held_from(held.to_message()) == held


def test_a_page_of_the_list_fits_a_message() -> None:
    line = Held("f" * 64, 2**22, 2**60, Phase.EXITED, 2**15, 2**62)
    page = {"re": 2**40, "held": [line.to_message()] * protocol.PAGE, "more": True}
    assert len(protocol.json.dumps(page)) < protocol.LARGEST_MESSAGE // 2
