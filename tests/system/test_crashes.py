"""kill -9 of the engine, then of a keeper, while containers write: nothing and nobody is lost."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from fixtures.engine import Engine
from fixtures.waiting import PATIENCE, eventually, has_ended
from wherry.linux import pidfd

pytestmark = pytest.mark.timeout(300)

# Fewer where each takes seconds, on an emulated processor.
CONTAINERS = 50 if PATIENCE == 1 else 10
# Before, a process that has been given to init takes its exit code with it: 255, never 0.
_EXITS_OF_OTHERS = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) >= (6, 15)
# Writes numbered lines until the file appears, then ends with the status that the file says.
WRITER = (
    "i=0; while [ ! -e /stop/now ]; do i=$((i+1)); echo line $i; usleep 20000; done;"
    " echo last $i; exit $(cat /stop/now)"
)


def test_no_container_no_line_and_no_exit_code_is_lost(own_engine: Engine) -> None:
    engine = own_engine
    folders = [engine.root / f"stop{index}" for index in range(CONTAINERS)]
    names = [f"writer{index}" for index in range(CONTAINERS)]
    for name, folder in zip(names, folders, strict=True):
        folder.mkdir()
        engine.docker(
            "run", "-d", "--name", name, "-v", f"{folder}:/stop", "busybox", "sh", "-c", WRITER
        )
    pids = {name: pid_of(engine, name) for name in names}

    engine.kill()
    assert not any(map(has_ended, pids.values()))
    engine.start()
    assert {name: pid_of(engine, name) for name in names} == pids

    for keeper in engine.keepers():
        os.kill(keeper, signal.SIGKILL)
        eventually(lambda gone=keeper: has_ended(gone))
        eventually(lambda gone=keeper: gone not in engine.keepers())
        assert not any(map(has_ended, pids.values()))
    eventually(lambda: engine.docker("ps", "-q").stdout.count("\n") == CONTAINERS)

    follower = subprocess.Popen(
        ["docker", "-H", engine.host, "logs", "-f", names[0]], stdout=subprocess.PIPE
    )
    for index, folder in enumerate(folders):
        (folder / "wanted").write_text(str(index + 1))
        (folder / "wanted").rename(folder / "now")
    codes = engine.docker("wait", *names, timeout=120).stdout.split()
    known = [str(index + 1) for index in range(CONTAINERS)]
    assert codes == (known if _EXITS_OF_OTHERS else ["255"] * CONTAINERS)
    followed = follower.communicate(timeout=30)[0].decode()
    for name in names:
        assert_whole(engine.docker("logs", name).stdout)
    assert_whole(followed)


def test_both_die_and_the_containers_live_on(own_engine: Engine) -> None:
    engine = own_engine
    folder = engine.root / "stop"
    folder.mkdir()
    engine.docker(
        "run", "-d", "--name", "writer", "-v", f"{folder}:/stop", "busybox", "sh", "-c", WRITER
    )
    pid = pid_of(engine, "writer")
    keepers = engine.keepers()
    engine.kill()
    for keeper in keepers:
        os.kill(keeper, signal.SIGKILL)
        eventually(lambda gone=keeper: has_ended(gone))
    assert not has_ended(pid)
    engine.start()
    assert pid_of(engine, "writer") == pid
    assert engine.docker("exec", "writer", "echo", "still here").stdout == "still here\n"
    engine.docker("kill", "writer")
    # Nobody is its parent: only a kernel that tells so by the pidfd knows how it ended.
    assert engine.docker("wait", "writer").stdout == ("137\n" if kernel_tells() else "255\n")


def kernel_tells() -> bool:
    """Whether the kernel says by a pidfd how a process has ended: Linux 6.15 and later do."""
    child = subprocess.Popen(["sh", "-c", "exit 3"])
    descriptor = os.pidfd_open(child.pid)
    try:
        child.wait(30)
        return pidfd.exit_status(descriptor) is not None
    finally:
        os.close(descriptor)


def test_sigterm_leaves_containers_running(own_engine: Engine) -> None:
    engine = own_engine
    engine.docker("run", "-d", "--name", "stays", "busybox", "sleep", "600")
    pid = pid_of(engine, "stays")
    assert engine.stop() == 0
    assert not has_ended(pid)
    engine.start()
    assert pid_of(engine, "stays") == pid


def test_what_ended_while_the_engine_was_away_is_known(own_engine: Engine) -> None:
    engine = own_engine
    engine.docker("run", "-d", "--name", "ends", "busybox", "sh", "-c", "sleep 1; exit 42")
    pid = pid_of(engine, "ends")
    engine.kill()
    eventually(lambda: has_ended(pid))
    engine.start()
    assert engine.docker("wait", "ends").stdout == "42\n"


def assert_whole(text: str) -> None:
    """Fail unless the lines are 1, 2, 3 … without a gap or a repetition, and the last one."""
    lines = text.splitlines()
    count = len(lines) - 1
    assert count > 0
    assert lines == [f"line {number}" for number in range(1, count + 1)] + [f"last {count}"]


def pid_of(engine: Engine, name: str) -> int:
    """Return the pid of the container's first process, 0 when it does not run."""
    return int(engine.docker("inspect", "-f", "{{.State.Pid}}", name).stdout)
