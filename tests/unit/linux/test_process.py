"""Processes by pid and start time."""

from __future__ import annotations

import os
import subprocess

from fixtures.waiting import eventually
from wherry.linux.process import is_running, start_ticks


def test_a_process_is_known_by_its_start() -> None:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    assert is_running(os.getpid(), ticks)
    assert not is_running(os.getpid(), ticks + 1)


def test_a_zombie_does_not_run() -> None:
    child = subprocess.Popen(["sleep", "60"])
    ticks = start_ticks(child.pid)
    assert ticks is not None
    assert is_running(child.pid, ticks)
    child.kill()
    eventually(lambda: not is_running(child.pid, ticks))
    assert start_ticks(child.pid) == ticks  # it is still there, to be waited for
    child.wait()
    assert start_ticks(child.pid) is None
    assert not is_running(child.pid, ticks)
