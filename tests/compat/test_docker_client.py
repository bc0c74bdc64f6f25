"""The stock docker client against wherryd: what people type every day, and the words they get."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.registry import free_port
from fixtures.waiting import eventually
from wherry.linux.terminal import to_the_end


@pytest.fixture
def name(engine: Engine) -> object:
    """A container name of the test's own, removed afterwards."""
    drawn = f"c{uuid.uuid4().hex[:10]}"
    yield drawn
    engine.docker("rm", "-fv", drawn, check=False)


def test_run_prints_and_removes(engine: Engine) -> None:
    assert engine.docker("run", "--rm", "busybox", "echo", "hello").stdout == "hello\n"
    assert engine.docker("ps", "-aq").stdout == ""


def test_standard_error_is_apart(engine: Engine) -> None:
    done = engine.docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_standard_input_reaches_the_end(engine: Engine) -> None:
    done = engine.docker("run", "--rm", "-i", "busybox", "wc", "-c", stdin=b"x" * 300_000)
    assert done.stdout.strip() == "300000"


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (["sh", "-c", "exit 7"], 7, ""),
        (["sh", "-c", "sleep 100 & kill -9 $!; wait $!"], 137, ""),
        (["no-such-program"], 127, "executable file not found in $PATH"),
        (["/no/such/program"], 127, "no such file or directory"),
        (["/etc"], 126, ""),
        (["/etc/passwd"], 126, "permission denied"),
    ],
)
def test_exit_statuses(engine: Engine, command: list[str], status: int, words: str) -> None:
    done = engine.docker("run", "--rm", "busybox", *command, check=False)
    assert done.returncode == status, done.stderr
    assert words in done.stderr


def test_the_first_process_ignores_signals_it_does_not_handle(engine: Engine) -> None:
    script = "kill -TERM $$; echo still here"
    assert engine.docker("run", "--rm", "busybox", "sh", "-c", script).stdout == "still here\n"


def test_a_failed_start_leaves_the_container_created(engine: Engine, name: str) -> None:
    engine.docker("create", "--name", name, "busybox", "no-such-program")
    assert engine.docker("start", name, check=False).returncode != 0
    state = json.loads(engine.docker("inspect", name).stdout)[0]["State"]
    assert (state["Status"], state["ExitCode"]) == ("created", 127)
    assert "executable file not found" in state["Error"]


def test_a_taken_name_is_a_conflict(engine: Engine, name: str) -> None:
    made = engine.docker("create", "--name", name, "busybox").stdout.strip()
    done = engine.docker("create", "--name", name, "busybox", check=False)
    expected = f'Conflict. The container name "/{name}" is already in use by container "{made}"'
    assert expected in done.stderr


def test_ps_and_inspect_tell_the_state(engine: Engine, name: str) -> None:
    engine.docker("run", "-d", "--name", name, "-l", "colour=blue", "busybox", "sleep", "300")
    row = engine.docker("ps", "--filter", "label=colour=blue", "--format", "{{.Names}} {{.Status}}")
    assert re.fullmatch(rf"{name} Up .*\n", row.stdout)
    engine.docker("kill", name)
    eventually(lambda: "Exited (137)" in engine.docker("ps", "-a").stdout)
    state = json.loads(engine.docker("inspect", name).stdout)[0]["State"]
    assert (state["Running"], state["ExitCode"], state["Pid"]) == (False, 137, 0)


def test_logs_tail_since_and_timestamps(engine: Engine, name: str) -> None:
    script = "for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2"
    engine.docker("run", "--name", name, "busybox", "sh", "-c", script)
    done = engine.docker("logs", name)
    assert done.stdout == "".join(f"line {i}\n" for i in range(1, 6))
    assert done.stderr == "oops\n"
    assert engine.docker("logs", "--tail", "2", name).stdout == "line 5\n"
    stamped = engine.docker("logs", "-t", "--tail", "3", name).stdout.splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 4", stamped[0])
    assert engine.docker("logs", "--since", "1h", name).stdout == done.stdout
    assert engine.docker("logs", "--until", "1h", name).stdout == ""


def test_logs_follow_to_the_end(engine: Engine, name: str) -> None:
    script = "for i in $(seq 20); do echo $i; usleep 20000; done"
    engine.docker("run", "-d", "--name", name, "busybox", "sh", "-c", script)
    assert engine.docker("logs", "-f", name).stdout == "".join(f"{i}\n" for i in range(1, 21))


def test_a_last_line_without_newline_is_kept(engine: Engine, name: str) -> None:
    engine.docker("run", "--name", name, "busybox", "printf", "no newline")
    assert engine.docker("logs", name).stdout == "no newline"


def test_long_output_arrives_whole(engine: Engine) -> None:
    done = engine.docker("run", "--rm", "busybox", "sh", "-c", "yes 0123456789 | head -n 400000")
    assert len(done.stdout) == 400_000 * 11


def test_exec_has_its_own_status_environment_and_folder(engine: Engine, name: str) -> None:
    engine.docker("run", "-d", "--name", name, "-e", "A=1", "busybox", "sleep", "300")
    script = "echo $A $B; pwd; id -u"
    words = ["exec", "-e", "B=2", "-w", "/tmp", "-u", "65534", name, "sh", "-c", script]
    assert engine.docker(*words).stdout == "1 2\n/tmp\n65534\n"
    assert engine.docker("exec", name, "sh", "-c", "exit 9", check=False).returncode == 9
    missing = engine.docker("exec", name, "no-such-program", check=False)
    assert missing.returncode in (126, 127)
    assert "executable file not found in $PATH" in missing.stderr + missing.stdout
    assert engine.docker("exec", "-i", name, "cat", stdin=b"through").stdout == "through"


def on_terminal(engine: Engine, *words: str, typed: bytes = b"") -> tuple[int, bytes]:
    """Run the client on a terminal of its own; return its status and all that it showed."""
    ours, theirs = pty.openpty()
    command = ["docker", "-H", engine.host, *words]
    client = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 30
    try:
        os.write(ours, typed)
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                data = to_the_end(lambda: os.read(ours, 4096), b"")
                if not data:
                    break
                shown += data
        return client.wait(10), shown
    finally:
        client.kill()
        client.wait()
        os.close(ours)


def test_a_terminal_in_exec(engine: Engine, name: str) -> None:
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "300")
    typed = b"tty; echo $TERM-$((6*7)); exit 3\n"
    status, shown = on_terminal(engine, "exec", "-it", name, "sh", typed=typed)
    assert status == 3
    assert b"/dev/pts/" in shown
    assert b"xterm-42" in shown


def test_a_terminal_in_run(engine: Engine) -> None:
    status, shown = on_terminal(engine, "run", "--rm", "-it", "busybox", "tty")
    assert (status, shown) == (0, b"/dev/pts/0\r\n")


def test_stop_sends_the_stop_signal_then_kills(engine: Engine, name: str) -> None:
    script = "trap 'echo bye; exit 5' TERM; while :; do usleep 50000; done"
    engine.docker("run", "-d", "--name", name, "busybox", "sh", "-c", script)
    engine.docker("stop", name)
    state = json.loads(engine.docker("inspect", name).stdout)[0]["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 5)
    engine.docker("start", name)
    engine.docker("kill", "-s", "KILL", name)
    assert engine.docker("wait", name).stdout == "137\n"


def test_restart_rename_top_and_wait(engine: Engine, name: str) -> None:
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "300")
    before = json.loads(engine.docker("inspect", name).stdout)[0]["State"]["Pid"]
    engine.docker("restart", "-t", "0", name)
    after = json.loads(engine.docker("inspect", name).stdout)[0]["State"]["Pid"]
    assert after not in (0, before)
    top = engine.docker("top", name).stdout.splitlines()
    assert top[0].split()[:2] == ["UID", "PID"]
    assert "sleep 300" in top[1]
    engine.docker("rename", name, f"{name}x")
    engine.docker("rename", f"{name}x", name)


def test_binds_and_named_volumes(engine: Engine, name: str) -> None:
    shared = engine.root / "shared"
    shared.mkdir()
    (shared / "in").write_text("from the host\n")
    script = "cat /s/in; echo from inside >/s/out"
    words = ["run", "--rm", "-v", f"{shared}:/s", "busybox", "sh", "-c", script]
    assert engine.docker(*words).stdout == "from the host\n"
    assert (shared / "out").read_text() == "from inside\n"
    read_only = ["run", "--rm", "-v", f"{shared}:/s:ro", "busybox", "touch", "/s/x"]
    assert "Read-only file system" in engine.docker(*read_only, check=False).stderr
    volume = f"v{name}"
    engine.docker("volume", "create", volume)
    listing = ["run", "--rm", "-v", f"{volume}:/etc", "busybox", "cat", "/etc/passwd"]
    assert engine.docker(*listing).stdout.startswith("root:x:0:0")
    missing = f"type=bind,source={shared}/nothing,target=/n"
    refused = engine.docker("run", "--rm", "--mount", missing, "busybox", check=False)
    assert "bind source path does not exist" in refused.stderr
    engine.docker("volume", "rm", volume)


def test_resources_are_enforced(engine: Engine) -> None:
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>&- || cat /sys/fs/cgroup/memory.max"
    words = [
        "run",
        "--rm",
        "-m",
        "64m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "20",
        "busybox",
        "sh",
        "-c",
    ]
    assert engine.docker(*words, script).stdout.strip() == str(64 << 20)
    forks = "for i in $(seq 40); do sleep 1 & done; wait"
    assert "fork" in engine.docker(*words, forks, check=False).stderr


@pytest.mark.parametrize("files", [3, 8])
@pytest.mark.parametrize("flags", [[], ["--security-opt", "no-new-privileges"], ["-u", "1000"]])
def test_few_descriptors_are_enough_for_a_program_that_needs_few(
    engine: Engine, name: str, files: int, flags: list[str]
) -> None:
    limits = ["--ulimit", f"nofile={files}:{files}", *flags]
    engine.docker("run", "-d", "--name", name, *limits, "busybox", "sleep", "60")
    told = engine.docker("exec", name, "sh", "-c", "ulimit -n; ulimit -Hn").stdout
    assert told.split() == [str(files)] * 2
    assert engine.docker("exec", name, "true").returncode == 0


def test_a_disk_is_throttled(engine: Engine) -> None:
    disk = next(Path("/sys/block").iterdir())
    numbers = (disk / "dev").read_text().strip()
    script = (
        "cat /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device /sys/fs/cgroup/io.max 2>&-;"
        " cat /sys/fs/cgroup/blkio/blkio.throttle.write_iops_device 2>&-; true"
    )
    flags = (f"--device-read-bps=/dev/{disk.name}:1mb", f"--device-write-iops=/dev/{disk.name}:7")
    told = engine.docker("run", "--rm", *flags, "busybox", "sh", "-c", script).stdout
    v2 = f"{numbers} rbps={1 << 20} wbps=max riops=max wiops=7\n"
    assert told in (f"{numbers} {1 << 20}\n{numbers} 7\n", v2)


def test_too_much_memory_is_killed_and_said(engine: Engine, name: str) -> None:
    script = "head -c 200m /dev/zero | tail"
    engine.docker("run", "--name", name, "-m", "32m", "busybox", "sh", "-c", script, check=False)
    eventually(lambda: json.loads(engine.docker("inspect", name).stdout)[0]["State"]["OOMKilled"])


def test_read_only_and_privileged(engine: Engine) -> None:
    script = "touch /x"
    done = engine.docker("run", "--rm", "--read-only", "busybox", "sh", "-c", script, check=False)
    assert "Read-only file system" in done.stderr
    script = "mount -t tmpfs none /tmp && echo mounted"
    done = engine.docker("run", "--rm", "--privileged", "busybox", "sh", "-c", script)
    assert done.stdout == "mounted\n"


def test_a_published_port_serves(engine: Engine, name: str) -> None:
    port = free_port()
    script = "mkdir -p /w && echo page >/w/index.html && exec httpd -f -p 80 -h /w"
    engine.docker("run", "-d", "--name", name, "-p", f"{port}:80", "busybox", "sh", "-c", script)
    curl = ["curl", "-fsS", "--max-time", "2", f"http://127.0.0.1:{port}/"]
    eventually(lambda: subprocess.run(curl, capture_output=True, check=False).stdout == b"page\n")
    other = engine.docker("run", "--rm", "-p", f"{port}:80", "busybox", "true", check=False)
    assert other.returncode == 125
    assert f"Bind for 0.0.0.0:{port} failed: port is already allocated" in other.stderr


def test_names_resolve_on_a_network_of_ones_own(engine: Engine, name: str) -> None:
    network = f"n{name}"
    engine.docker("network", "create", network)
    try:
        engine.docker(
            "run", "-d", "--name", name, "--network", network, "--network-alias", "other",
            "busybox", "sleep", "300",
        )  # fmt: skip
        for wanted in (name, "other"):
            words = ["run", "--rm", "--network", network, "busybox", "ping", "-c1", "-W2", wanted]
            assert "1 packets received" in engine.docker(*words).stdout
        refused = engine.docker("network", "rm", network, check=False)
        assert "has active endpoints" in refused.stderr
    finally:
        engine.docker("rm", "-f", name, check=False)
        engine.docker("network", "rm", network)


@pytest.mark.parametrize("mode", ["none", "host", "bridge"])
def test_network_modes(engine: Engine, mode: str) -> None:
    listing = engine.docker("run", "--rm", "--network", mode, "busybox", "ls", "/sys/class/net")
    names = set(listing.stdout.split())
    host = set(os.listdir("/sys/class/net"))
    expected = {"none": {"lo"}, "bridge": {"lo", "eth0"}, "host": names & host}[mode]
    assert expected <= names


def test_network_of_another_container(engine: Engine, name: str) -> None:
    engine.docker("run", "-d", "--name", name, "busybox", "sleep", "300")
    mine = engine.docker("exec", name, "hostname", "-i").stdout
    words = ["run", "--rm", "--network", f"container:{name}", "busybox", "hostname", "-i"]
    assert engine.docker(*words).stdout == mine


def test_commit_keeps_what_was_written(engine: Engine, name: str) -> None:
    engine.docker("run", "--name", name, "busybox", "sh", "-c", "echo kept >/kept; rm /bin/vi")
    engine.docker("commit", "-m", "a change", "-c", "CMD cat /kept", name, "committed:1")
    assert engine.docker("run", "--rm", "committed:1").stdout == "kept\n"
    gone = engine.docker("run", "--rm", "committed:1", "test", "-e", "/bin/vi", check=False)
    assert gone.returncode == 1
    assert "a change" in engine.docker("history", "committed:1").stdout
    engine.docker("rmi", "committed:1")


def test_events_come_in_order(engine: Engine, name: str) -> None:
    since = str(time.time())
    engine.docker("run", "--rm", "--name", name, "busybox", "true")
    until = str(time.time() + 0.01)
    words = ["events", "--since", since, "--until", until, "--filter", f"container={name}"]
    shown = engine.docker(*words, "--format", "{{.Action}}").stdout.split()
    ordered = [a for a in shown if a in ("create", "start", "die", "destroy")]
    assert ordered == ["create", "start", "die", "destroy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--pull", "never", "nothing-here"], "No such image: nothing-here:latest"),
        (["start", "nobody"], "No such container: nobody"),
        (["rmi", "nothing-here"], "No such image: nothing-here"),
        (["network", "rm", "nowhere"], "not found"),
        (["volume", "inspect", "nothing"], "no such volume"),
        (["network", "rm", "bridge"], "pre-defined"),
    ],
)
def test_refusals_use_the_known_words(engine: Engine, words: list[str], message: str) -> None:
    done = engine.docker(*words, check=False)
    assert done.returncode != 0
    assert message.lower() in done.stderr.lower()
