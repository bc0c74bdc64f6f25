"""`system dial-stdio`: bytes both ways, each end passed on, whatever the streams are."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.engine import program

SECONDS = 20
BIG = os.urandom(1 << 20) * 4
Talk = Callable[[socket.socket], None]


@pytest.fixture
def engine() -> Iterator[Callable[[Talk], str]]:
    """Serve one connection with a function; returns the address."""
    with tempfile.TemporaryDirectory(prefix="wr.") as folder:
        path = Path(folder) / "s"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        threads = []

        def serve(talk: Talk) -> None:
            connected, _ = listener.accept()
            with connected:
                connected.settimeout(SECONDS)
                talk(connected)

        def start(talk: Talk) -> str:
            threads.append(threading.Thread(target=serve, args=(talk,)))
            threads[-1].start()
            return f"unix://{path}"

        yield start
        listener.close()
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive()


def dial(host: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [program("wherry"), "-H", host, "system", "dial-stdio"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,  # type: ignore[call-overload]
    )  # fmt: skip


def everything(connected: socket.socket) -> bytes:
    heard = bytearray()
    while data := connected.recv(65536):
        heard += data
    return bytes(heard)


def test_the_end_of_input_is_passed_on(engine: Callable[[Talk], str]) -> None:
    def talk(connected: socket.socket) -> None:
        connected.sendall(everything(connected)[::-1])

    out, errors = dial(engine(talk)).communicate(BIG, SECONDS)
    assert (out == BIG[::-1], errors) == (True, b"")


def test_it_ends_when_the_engine_does(engine: Callable[[Talk], str]) -> None:
    """Even if nobody ends our input, as a terminal never does."""
    process = dial(engine(lambda connected: connected.sendall(b"bye")))
    assert process.stdout is not None
    assert process.stdout.read() == b"bye"
    assert process.wait(SECONDS) == 0
    process.communicate()


def test_streams_may_be_sockets(engine: Callable[[Talk], str]) -> None:
    """As sshd may give them: one socket for both."""
    ours, theirs = socket.socketpair()
    host = engine(lambda connected: connected.sendall(everything(connected) + b"!"))
    with ours, theirs:
        process = subprocess.Popen(
            [program("wherry"), "-H", host, "system", "dial-stdio"], stdin=theirs, stdout=theirs
        )
        theirs.close()
        ours.sendall(b"hello")
        ours.shutdown(socket.SHUT_WR)
        assert everything(ours) == b"hello!"
        assert process.wait(SECONDS) == 0


def test_nobody_is_there(tmp_path: Path) -> None:
    process = dial(f"unix://{tmp_path}/none")
    out, errors = process.communicate(b"", SECONDS)
    assert (out, process.returncode) == (b"", 1)
    assert b"Cannot connect to the wherry engine" in errors
