"""Whether an engine runs, asked of the kernel."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.daemon.pidfile import Pidfile
from wherry.service.running import answers, keepers, running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path."""
    made = Path(tempfile.mkdtemp(prefix="wr."))
    yield made
    shutil.rmtree(made)


def test_the_lock_of_the_pidfile_decides(folder: Path) -> None:
    path = str(folder / "pid")
    assert running(path) is None
    held = Pidfile(path)
    found = running(path)
    assert found is not None
    assert found.pid == os.getpid()
    assert time.time() - 86400 < found.since <= time.time() + 1
    held.close()
    assert running(path) is None


def test_a_pidfile_that_nobody_holds_is_stale(folder: Path) -> None:
    (folder / "pid").write_text(f"{os.getpid()}\n")
    assert running(str(folder / "pid")) is None


def test_keepers_are_those_that_listen(folder: Path) -> None:
    assert keepers(str(folder / "none")) == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.bind(str(folder / "keeper-0.sock"))
        one.listen()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(str(folder / "keeper-1.sock"))
        (folder / "keeper-0.log").touch()
        assert keepers(str(folder)) == 1
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            one.accept()  # it was not disturbed
        assert not answers(str(folder / "keeper-0.sock"))  # of another kind
