"""Sockets that were passed, in processes that got them as systemd passes them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.passing import passing
from wherry.daemon.systemd.passed import NothingPassedError, Passed, bound_to, named, take

PROGRAM = """
import json, os
from wherry.daemon.systemd.passed import take
found = take(os.environ)
left = [name for name in os.environ if name.startswith("LISTEN_")]
inheritable = [os.get_inheritable(one.number) for one in found]
print(json.dumps([[(one.host, one.name, one.number) for one in found], left, inheritable]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="wr.") as made:
        yield Path(made)


def listening(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    made.listen()
    return made


def run(*sockets: socket.socket, names: str = "") -> subprocess.CompletedProcess[bytes]:
    words, fds = passing([sys.executable, "-c", PROGRAM], sockets, names)
    return subprocess.run(words, pass_fds=fds, capture_output=True, check=False, timeout=30)


def test_they_are_found_with_names_and_nobody_inherits_them(folder: Path) -> None:
    with listening(folder / "a") as one, socket.create_server(("127.0.0.1", 0)) as two:
        done = run(one, two, names="api:web")
        port = two.getsockname()[1]
    found, left, inheritable = json.loads(done.stdout)
    assert found == [[f"unix://{folder}/a", "api", 3], [f"tcp://127.0.0.1:{port}", "web", 4]]
    assert left == []
    assert inheritable == [False, False]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"},
    ],
)
def test_what_is_for_others_is_left_alone(environment: dict[str, str]) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    assert take(environment) == []
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert "LISTEN_FDS" not in environment


def test_what_does_not_listen_is_refused() -> None:
    with socket.socket(socket.AF_UNIX) as one:
        done = run(one)
    assert done.returncode != 0
    assert b"is no listening stream socket: the unit wants ListenStream=" in done.stderr


def test_a_host_is_found_by_what_it_is_bound_to(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    with listening(folder / "a") as one:
        passed = [Passed(one, "api", 3)]
        assert bound_to(passed, f"unix://{folder}/a") is passed[0]
        assert bound_to(passed, f"unix://{folder}/link/a") is passed[0]
        assert bound_to(passed, f"unix://{folder}/b") is None
        assert bound_to(passed, "tcp://127.0.0.1:2375") is None


def test_fd_asks_for_all_or_one(folder: Path) -> None:
    with listening(folder / "a") as one, listening(folder / "b") as two:
        passed = [Passed(one, "api", 3), Passed(two, "web", 4)]
        assert named(passed, "fd://") == passed
        assert named(passed, "fd://web") == passed[1:]
        assert named(passed, "fd://3") == passed[:1]
        with pytest.raises(NothingPassedError, match=rf"3 api \(unix://{folder}/a\), 4 web"):
            named(passed, "fd://other")
    with pytest.raises(NothingPassedError, match=r"passed: none\); .* write unix:///run/wherry"):
        named([], "fd://")


def test_an_abstract_socket_has_a_name_too() -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("\0wr.test." + str(os.getpid()))
        made.listen()
        assert Passed(made, "", 3).host == f"unix://@wr.test.{os.getpid()}"
