"""What a child tells, and what a silent end means."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from wherry.runtime import report
from wherry.runtime.report import Executed, Failed, Mounted, Ready, Reports, StepError

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_a_run_from_mounted_to_executed(pair: Pair) -> None:
    ours, theirs = pair
    reports = Reports()
    assert reports.read(ours.fileno()) is None
    report.send_mounted(theirs)
    assert reports.read(ours.fileno()) == Mounted()
    report.send_ready(theirs, None)
    assert reports.read(ours.fileno()) == Ready(None)
    report.send_executing(theirs)
    assert reports.read(ours.fileno()) is None
    theirs.close()
    assert reports.read(ours.fileno()) == Executed()


def test_the_terminal_comes_with_ready(pair: Pair) -> None:
    ours, theirs = pair
    master, slave = os.openpty()
    report.send_ready(theirs, master)
    os.close(master)
    ready = Reports().read(ours.fileno())
    assert isinstance(ready, Ready)
    assert ready.terminal is not None
    os.write(slave, b"x")
    assert os.read(ready.terminal, 1) == b"x"
    assert not os.get_inheritable(ready.terminal)
    os.close(ready.terminal)
    os.close(slave)


def test_an_exec_that_fails(pair: Pair) -> None:
    ours, theirs = pair
    failed = Failed("exec", 2, "no such file", 127)
    report.send_executing(theirs)
    report.send_failed(theirs, failed)
    assert Reports().read(ours.fileno()) == failed


def test_an_end_without_a_word_is_a_failure(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    found = Reports().read(ours.fileno())
    assert isinstance(found, Failed)
    assert found.exit_code == 128


def test_long_words_are_cut_and_nobody_listening_is_no_error(pair: Pair) -> None:
    ours, theirs = pair
    report.send_failed(theirs, Failed("step", 1, "x" * 100_000, 126))
    found = Reports().read(ours.fileno())
    assert isinstance(found, Failed)
    assert found.message == "x" * 4096
    ours.close()
    report.send_failed(theirs, Failed("step", 1, "unheard", 126))


def test_errors_become_reports() -> None:
    assert report.as_failed(StepError("a", 5, "words", 126), "b") == Failed("a", 5, "words", 126)
    assert report.as_failed(OSError(13, "denied"), "b") == Failed(
        "b", 13, "b: [Errno 13] denied", 128
    )
    assert report.as_failed(KeyError("x"), "b").errno == 0


def test_a_gate_opens_for_the_word_alone() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as gate:
        gate.bind("")
        gate.listen(2)
        address = gate.getsockname()
        opened: list[socket.socket] = []
        # The gate's socket object is made anew from the number, and closes it in the end.
        number = os.dup(gate.fileno())
        waiting = threading.Thread(target=lambda: opened.append(report.await_opened(number)))
        waiting.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
            silent.connect(address)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as starter:
            starter.connect(address)
            starter.send(report.PROCEED)
            waiting.join(30)
            report.send_executing(opened[0])
            assert starter.recv(100) == b'{"executing": true}'
        opened[0].close()
