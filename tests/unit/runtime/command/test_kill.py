"""Signals by number and name; signals to processes that are gone."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from wherry.base.errors import InvalidError
from wherry.runtime.command.errors import WrongStatusError
from wherry.runtime.command.kill import send, signal_number
from wherry.runtime.command.records import Record


@pytest.mark.parametrize("word", ["9", "KILL", "SIGKILL", "kill"])
def test_signals(word: str) -> None:
    assert signal_number(word) == signal.SIGKILL


@pytest.mark.parametrize("word", ["", "SIG", "NOSUCH", "-9", "999"])
def test_what_is_no_signal(word: str) -> None:
    with pytest.raises(InvalidError, match="unknown signal"):
        signal_number(word)


def test_a_pid_of_somebody_else_gets_no_signal() -> None:
    record = Record(id="c", bundle="", rootfs="", created="", pid=os.getpid(), ticks=1)
    with pytest.raises(WrongStatusError, match="container not running"):
        send(record, signal.SIGKILL)


def test_a_process_gets_its_signal() -> None:
    child = subprocess.Popen(["sleep", "60"])
    record = Record(id="c", bundle="", rootfs="", created="").with_process(child.pid)
    send(record, signal.SIGTERM)
    assert child.wait(30) == -signal.SIGTERM
    with pytest.raises(WrongStatusError):
        send(record, signal.SIGTERM)
