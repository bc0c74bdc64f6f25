"""Statuses of children, asked through pidfds."""

from __future__ import annotations

import os
import select
import signal

import pytest

from wherry.keeper.reaping import wait_status


def child(code: int) -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause() if code < 0 else os._exit(code)
    return pid


def wait(pidfd: int) -> None:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(10_000)


@pytest.mark.parametrize("code", [0, 1, 255])
def test_an_exit_code(code: int) -> None:
    pidfd = os.pidfd_open(child(code))
    wait(pidfd)
    assert wait_status(pidfd) == code << 8
    os.close(pidfd)


def test_a_signal_and_a_process_that_runs() -> None:
    pidfd = os.pidfd_open(child(-1))
    assert wait_status(pidfd) is None
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    wait(pidfd)
    assert wait_status(pidfd) == signal.SIGKILL
    os.close(pidfd)


def test_somebody_elses_child_that_is_not_reaped_yet() -> None:
    # The parent of what is asked for is a process in between, which does not reap it at first.
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.write(writing, str(child(7)).encode())
        signal.pause()
    pidfd = os.pidfd_open(int(os.read(reading, 20)))
    wait(pidfd)
    assert wait_status(pidfd) == 7 << 8
    os.kill(middle, signal.SIGKILL)
    os.waitpid(middle, 0)
    for descriptor in (pidfd, reading, writing):
        os.close(descriptor)
