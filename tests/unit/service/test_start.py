"""Starting a program that says when it is ready."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from fixtures.waiting import eventually, has_ended
from wherry.service.start import NotStartedError, TooSlowError, start

READY = """
import os, signal, socket, time
print("output of", os.getpid(), flush=True)
print("session", os.getsid(0) == os.getpid(), "in", os.getcwd(), flush=True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    for message in ("STATUS=soon", "STATUS=x\\nREADY=1"):
        told.sendto(message.encode(), os.environ["NOTIFY_SOCKET"])
signal.pause()
"""


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_it_goes_on_when_it_is_ready(tmp_path: Path) -> None:
    log = tmp_path / "new/log"
    pid = start(program(READY), str(log), 60)
    try:
        lines = log.read_text().splitlines()
        assert lines == [f"output of {pid}", "session True in /"]
        assert log.stat().st_mode & 0o777 == 0o640
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def test_one_that_ends_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("an older line\n")
    failing = program("import sys; sys.exit('\\n'.join(map(str, range(9))))")
    with pytest.raises(NotStartedError, match=r"did not start: 4\n5\n6\n7\n8$") as caught:
        start(failing, str(log), 60)
    assert "older" not in str(caught.value)
    with pytest.raises(NotStartedError, match=f"see {log}"):
        start(program("raise SystemExit(1)"), str(log), 60)


def test_one_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    slow = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    with pytest.raises(TooSlowError, match=r"within 0\.5 seconds and was ended"):
        start(program(slow), str(log), 0.5)
    for line in log.read_text().split():
        eventually(lambda pid=line: has_ended(pid))


def test_there_is_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start([str(tmp_path / "none")], str(tmp_path / "log"), 1)
