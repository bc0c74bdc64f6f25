"""Flags of the commands about containers, with a real engine."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.waiting import eventually
from fixtures.wherry_client import WHERRY, docker, environment, wherry

# Ignores SIGTERM, says so, and ends at USR1.
STUBBORN = "trap 'echo term' TERM; trap 'exit 3' USR1; echo up; while :; do usleep 50000; done"


@pytest.fixture(scope="module", autouse=True)
def web(engine: Engine) -> Iterator[None]:
    """A container that runs, and one that has written and ended."""
    engine.docker("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    script = "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three"
    engine.docker("run", "--name", "said", "-l", "a=b", "--log-opt", "labels=a", "busybox",
                  "sh", "-c", script)  # fmt: skip
    yield
    engine.remove_containers()


@pytest.fixture
def stubborn(engine: Engine) -> Iterator[str]:
    """A container that does not end at SIGTERM."""
    name = f"stubborn-{os.getpid()}"
    engine.docker("run", "-d", "--name", name, "busybox", "sh", "-c", STUBBORN)
    eventually(lambda: "up" in engine.docker("logs", name).stdout)
    yield name
    engine.docker("rm", "-f", name, check=False)


def state(engine: Engine, name: str, field: str) -> str:
    """Return a field of a container's state."""
    return engine.docker("inspect", "-f", f"{{{{.State.{field}}}}}", name).stdout.strip()


def test_exec_in_the_background(engine: Engine) -> None:
    assert wherry(engine, "exec", "--detach", "web", "sh", "-c", "sleep 0.1; echo x > /made") == ""
    eventually(lambda: engine.docker("exec", "web", "ls", "/made", check=False).returncode == 0)


def test_exec_with_variables_of_a_file_and_privileges(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=from file\nB=2\n")
    told = wherry(engine, "exec", "--env-file", str(tmp_path / "env"), "-e", "B=3", "web",
                  "sh", "-c", 'echo "$A $B"')  # fmt: skip
    assert told == "from file 3\n"
    script = "grep CapEff /proc/self/status"
    plain = int(wherry(engine, "exec", "web", "sh", "-c", script).split()[1], 16)
    more = int(wherry(engine, "exec", "--privileged", "web", "sh", "-c", script).split()[1], 16)
    assert more > plain


def test_logs_with_times_and_details(engine: Engine) -> None:
    lines = wherry(engine, "logs", "--timestamps", "said").splitlines()
    stamps = [line.partition(" ")[0] for line in lines]
    assert [line.partition(" ")[2] for line in lines] == ["one", "three"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z$", stamp) for stamp in stamps)
    between = stamps[1]
    assert wherry(engine, "logs", "--until", between[:-4] + "000Z", "said") == "one\n"
    theirs = docker(engine, "logs", "--details", "said")
    assert wherry(engine, "logs", "--details", "said") == theirs


def test_stop_with_a_signal_and_a_time(engine: Engine, stubborn: str) -> None:
    assert (
        wherry(engine, "stop", "--signal", "USR1", "--timeout", "60", stubborn) == f"{stubborn}\n"
    )
    assert state(engine, stubborn, "ExitCode") == "3"


def test_stop_kills_when_the_time_is_over(engine: Engine, stubborn: str) -> None:
    began = time.monotonic()
    wherry(engine, "stop", "--time", "1", stubborn)
    assert time.monotonic() - began < 9  # the engine's own patience is 10 s
    assert state(engine, stubborn, "ExitCode") == "137"


def test_restart_with_a_signal_and_a_time(engine: Engine, stubborn: str) -> None:
    before = state(engine, stubborn, "StartedAt")
    wherry(engine, "restart", "--signal", "USR1", "--timeout", "60", stubborn)
    assert state(engine, stubborn, "StartedAt") > before
    eventually(lambda: engine.docker("logs", stubborn).stdout.count("up") == 2)
    began = time.monotonic()
    wherry(engine, "restart", "--time", "0", stubborn)
    assert time.monotonic() - began < 9
    assert state(engine, stubborn, "Running") == "true"


def test_rm_with_volumes_and_links(engine: Engine) -> None:
    engine.docker("create", "--name", "full", "-v", "/anonymous", "busybox")
    mount = json.loads(engine.docker("inspect", "full").stdout)[0]["Mounts"][0]["Name"]
    assert wherry(engine, "rm", "--volumes", "full") == "full\n"
    assert mount not in engine.docker("volume", "ls", "-q").stdout
    ours = wherry(engine, "rm", "--link", "web/alias", status=1)
    theirs = docker(engine, "rm", "--link", "web/alias", status=1)
    assert ours == theirs


def test_attach_without_input_and_signals(engine: Engine) -> None:
    name = f"attached-{os.getpid()}"
    engine.docker("run", "-di", "--name", name, "busybox", "sh", "-c", "echo up; cat; sleep 100")
    process = subprocess.Popen(
        [WHERRY, "attach", "--no-stdin", "--sig-proxy=false", name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(engine),
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.close()  # with --no-stdin nobody in the container hears of it
        time.sleep(0.5)  # long enough for an end of input to arrive, were it sent
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert state(engine, name, "Running") == "true"
        assert " cat\n" in engine.docker("top", name).stdout
    finally:
        process.kill()
        process.wait()
        engine.docker("rm", "-f", name)


@pytest.mark.parametrize("how", ["attach", "exec", "start"])
def test_keys_that_detach(engine: Engine, how: str) -> None:
    name = f"keys-{how}-{os.getpid()}"
    engine.docker("create" if how == "start" else "run", *(() if how == "start" else ("-d",)),
                  "-it", "--name", name, "busybox", "cat")  # fmt: skip
    commands = {
        "attach": [WHERRY, "attach", "--detach-keys", "ctrl-x,x", name],
        "exec": [WHERRY, "exec", "--detach-keys", "ctrl-x,x", "-it", name, "cat"],
        "start": [WHERRY, "start", "--attach", "--interactive", "--detach-keys", "ctrl-x,x", name],
    }
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        commands[how], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment(engine),
    )  # fmt: skip
    os.close(theirs)
    try:
        os.write(ours, b"hello\n")
        seen = b""
        while seen.count(b"hello") < 2:  # the terminal's echo, and cat's answer
            seen += os.read(ours, 4096)
        os.write(ours, b"\x18x")
        process.wait(20)
        assert state(engine, name, "Running") == "true"
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        engine.docker("rm", "-f", name)


def test_commit(engine: Engine) -> None:
    wherry(
        engine, "commit", "--author", "A. Uthor", "--message", "a reason", "--change",
        'CMD ["x"]', "--change", "ENV A=1", "--pause=false", "web", "made:1",
    )  # fmt: skip
    [found] = json.loads(engine.docker("image", "inspect", "made:1").stdout)
    assert (found["Author"], found["Comment"]) == ("A. Uthor", "a reason")
    assert found["Config"]["Cmd"] == ["x"]
    assert "A=1" in found["Config"]["Env"]
    engine.docker("rmi", "made:1")


def test_inspect_of_containers(engine: Engine) -> None:
    line = ("container", "inspect", "--format", "{{.Name}}", "web")
    assert wherry(engine, "container", "inspect", "--format", "{{.Name}}", "web") == docker(
        engine, *line
    )
    [found] = json.loads(wherry(engine, "container", "inspect", "--size", "web"))
    assert found["SizeRootFs"] > 0


def test_prune_of_containers(engine: Engine) -> None:
    engine.docker("create", "--name", "old", "-l", "prune=me", "busybox")
    engine.docker("create", "--name", "kept", "busybox")
    told = wherry(engine, "container", "prune", "--filter", "label=prune=me", "--force")
    assert told.startswith("Deleted Containers:\n")
    assert "Total reclaimed space: 0B" in told
    names = engine.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert "old" not in names
    assert "kept" in names
    assert "Are you sure" in wherry(engine, "container", "prune", stdin=b"n\n")
    engine.docker("rm", "kept")
