"""wherryd as a process: what it tells, what it adopts, and what signals do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine, program, running_engine
from fixtures.passing import passing
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(120)
SECONDS = 60


class Started:
    """An engine started as systemd starts it, and what it says to systemd."""

    def __init__(self, root: Path, *flags: str, sockets: tuple[socket.socket, ...] = ()) -> None:
        self.root = root
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(root / "notify"))
        self.notified.settimeout(SECONDS)
        self.log = root / "log"
        words = [
            program("wherryd"), "--data-root", f"{root}/data", "--exec-root", f"{root}/run",
            "--pidfile", f"{root}/pid", *flags,
        ]  # fmt: skip
        fds: tuple[int, ...] = ()
        if sockets:
            words, fds = passing(words, sockets, ":".join("abc"[: len(sockets)]))
        environment = {**os.environ, "NOTIFY_SOCKET": f"{root}/notify", "WATCHDOG_USEC": "600000"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                words, pass_fds=fds, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def told(self, wanted: str) -> list[str]:
        """Return the lines of the first message, from now on, that has this one."""
        while True:
            lines = self.notified.recv(4096).decode().splitlines()
            if wanted in lines:
                return lines

    def docker(self, *words: str, host: str = "") -> str:
        """Run the stock client."""
        host = host or f"unix://{self.root}/s"
        done = subprocess.run(
            ["docker", "-H", host, *words], capture_output=True, text=True, timeout=SECONDS,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self) -> int:
        """End it as systemd does."""
        self.process.terminate()
        return self.process.wait(SECONDS)

    def close(self) -> None:
        """End it however it is."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(SECONDS)
            self.process.kill()
            self.process.wait()
        self.notified.close()
        (self.root / "notify").unlink()


@contextlib.contextmanager
def started(
    *flags: str, sockets: tuple[socket.socket, ...] = (), root: Path | None = None
) -> Iterator[Started]:
    folder = root or Path(tempfile.mkdtemp(prefix="wr."))
    made = Started(folder, *flags, sockets=sockets)
    try:
        yield made
    finally:
        made.close()
        if root is None:
            shutil.rmtree(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path."""
    made = Path(tempfile.mkdtemp(prefix="wr."))
    yield made
    shutil.rmtree(made)


def listening(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    made.listen()
    return made


def test_ready_comes_when_the_api_answers(folder: Path) -> None:
    with started("-H", f"unix://{folder}/s", root=folder) as engine:
        lines = engine.told("READY=1")
        assert "STATUS=0 containers running" in lines
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{folder}/s")  # at the first try
            client.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        engine.told("WATCHDOG=1")
        engine.told("WATCHDOG=1")
        engine.process.terminate()
        engine.told("STOPPING=1")
        assert engine.process.wait(SECONDS) == 0
    assert not (folder / "s").exists()


def test_a_passed_socket_is_adopted_and_stays(folder: Path) -> None:
    path = folder / "s"
    with listening(path) as one:
        inode = path.stat().st_ino
        waiting = socket.socket(socket.AF_UNIX)
        waiting.connect(str(path))  # before anybody serves
        waiting.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with started("-H", f"unix://{path}", sockets=(one,), root=folder) as engine:
            with waiting:
                assert waiting.recv(15) == b"HTTP/1.1 200 OK"
            engine.told("READY=1")
            assert path.stat().st_ino == inode
            assert engine.stop() == 0
        assert path.stat().st_ino == inode
        with started("-H", "fd://", sockets=(one,), root=folder) as engine:
            engine.told("READY=1")
            assert engine.docker("ps", "-q") == ""
            assert f"API listen on unix://{path} (passed by systemd as a)" in engine.log.read_text()


def test_what_no_host_names_is_served_beside_the_others(folder: Path) -> None:
    with listening(folder / "s") as one, socket.create_server(("127.0.0.1", 0)) as two:
        port = two.getsockname()[1]
        flags = ("-H", f"unix://{folder}/own")
        with started(*flags, sockets=(one, two), root=folder) as engine:
            engine.told("READY=1")
            for host in (f"unix://{folder}/s", f"unix://{folder}/own", f"tcp://127.0.0.1:{port}"):
                assert engine.docker("ps", "-q", host=host) == ""


def test_a_passed_port_for_everybody_needs_tls(folder: Path) -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as one,
        started("-H", "fd://", sockets=(one,), root=folder) as engine,
    ):
        assert engine.process.wait(SECONDS) == 1
        assert "would be root on this machine: set" in engine.log.read_text()


def test_fd_without_sockets_is_refused_with_the_way_out(folder: Path) -> None:
    with started("-H", "fd://", root=folder) as engine:
        assert engine.process.wait(SECONDS) == 1
        assert "write unix:///run/wherry/wherry.sock instead" in engine.log.read_text()


def test_who_has_the_port_or_the_socket_is_named(folder: Path) -> None:
    holder = f"process {os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        with started("-H", f"tcp://127.0.0.1:{port}", root=folder) as engine:
            assert engine.process.wait(SECONDS) == 1
            assert f"127.0.0.1:{port}: the port is in use: {holder}" in engine.log.read_text()
    with listening(folder / "s"), started("-H", f"unix://{folder}/s", root=folder) as engine:
        assert engine.process.wait(SECONDS) == 1
        assert f": {holder}" in engine.log.read_text()


def test_signals_reload_and_describe(folder: Path) -> None:
    file = folder / "daemon.json"
    file.write_text('{"log-level": "error"}')
    flags = ("-H", f"unix://{folder}/s", "--config-file", str(file))
    with started(*flags, root=folder) as engine:
        engine.told("READY=1")
        assert "API listen" not in engine.log.read_text()
        file.write_text('{"log-level": "info", "labels": ["a=b"], "keepers": 3}')
        engine.process.send_signal(signal.SIGHUP)
        lines = engine.told("RELOADING=1")
        assert lines[1].startswith("MONOTONIC_USEC=")
        assert "STATUS=a restart is needed for: keepers" in engine.told("READY=1")
        assert engine.docker("info", "-f", "{{.Labels}}") == "[a=b]"
        file.write_text('{"labels": 1}')
        engine.process.send_signal(signal.SIGHUP)
        told = "STATUS=reload failed, the configuration has mistakes: see the log"
        assert told in engine.told("READY=1")
        assert engine.docker("info", "-f", "{{.Labels}}") == "[a=b]"
        engine.process.send_signal(signal.SIGUSR1)
        eventually(lambda: "=== END stacks ===" in engine.log.read_text())
        text = engine.log.read_text()
        assert "thread MainThread:" in text
        assert "Life.live" in text or "in live" in text


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_log_has_the_form_that_was_asked_for(folder: Path, form: str) -> None:
    with started("-H", f"unix://{folder}/s", "--log-format", form, root=folder) as engine:
        engine.told("READY=1")
        line = next(x for x in engine.log.read_text().splitlines() if "API listen" in x)
    if form == "json":
        found = json.loads(line)
        assert found["level"] == "info"
        assert found["msg"] == f"API listen on unix://{folder}/s"
    else:
        assert f" INFO wherryd: API listen on unix://{folder}/s" in line


def test_a_second_sigterm_ends_it_at_once_and_the_next_engine_recovers() -> None:
    with running_engine() as engine:
        assert engine.process is not None
        stubborn = ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
        engine.docker(
            "run", "-d", "--name", "stubborn", "--stop-timeout", "60", "busybox", *stubborn
        )
        engine.process.send_signal(signal.SIGPWR)
        eventually(lambda: "stopping containers" in engine.log.read_text())
        engine.process.terminate()
        assert engine.process.wait(20) == 1
        assert "told twice to stop" in engine.log.read_text()
        engine.start()
        assert engine.docker("inspect", "-f", "{{.State.Running}}", "stubborn").stdout == "true\n"


def test_going_down_stops_containers_and_starts_none_again(own_engine: Engine) -> None:
    engine = own_engine
    assert engine.process is not None
    trap = "trap 'exit 9' TERM; while :; do sleep 0.1; done"
    run = ("run", "-d", "--restart", "always", "--name")
    engine.docker(*run, "polite", "busybox", "sh", "-c", trap)
    engine.docker("run", "-d", "--name", "frozen", "busybox", "sh", "-c", trap)
    engine.docker("pause", "frozen")
    engine.docker("run", "-d", "--rm", "--name", "gone", "busybox", "sleep", "1000")
    engine.docker(*run, "failing", "busybox", "false")
    engine.process.send_signal(signal.SIGPWR)
    assert engine.process.wait(SECONDS) == 0
    assert engine.keepers() == []
    engine.start()
    eventually(lambda: running(engine, "polite"))
    assert not running(engine, "frozen")
    assert engine.docker("inspect", "-f", "{{.State.ExitCode}}", "frozen").stdout == "9\n"
    assert "gone" not in engine.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()


def running(engine: Engine, name: str) -> bool:
    return engine.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"


def test_containers_get_the_limits_that_the_engine_was_started_with(folder: Path) -> None:
    words = ["prlimit", "--nofile=1000:3000", program("wherryd")]
    root = folder
    command = [
        *words, "--data-root", f"{root}/data", "--exec-root", f"{root}/run", "--pidfile",
        f"{root}/pid", "-H", f"unix://{root}/wherry.sock",
    ]  # fmt: skip
    engine = Engine(root)
    with (root / "log").open("ab") as log:
        engine.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: engine.docker("version", check=False).returncode == 0)
        engine.load_busybox()
        own = Path(f"/proc/{engine.process.pid}/limits").read_text()
        assert next(x for x in own.splitlines() if "open files" in x).split()[3:5] == ["3000"] * 2
        run = ("run", "--name", "one", "busybox", "sh", "-c", "ulimit -Sn; ulimit -Hn")
        assert engine.docker(*run).stdout.split() == ["1000", "3000"]
        flags = ("--ulimit", "nofile=77:88")
        run = ("run", "--name", "two", *flags, "busybox", "sh", "-c", "ulimit -Sn; ulimit -Hn")
        assert engine.docker(*run).stdout.split() == ["77", "88"]
        engine.docker("run", "-d", "--name", "three", "busybox", "sleep", "1000")
        assert engine.docker("exec", "three", "sh", "-c", "ulimit -Sn").stdout == "1000\n"
        engine.remove_containers()
    finally:
        engine.stop()
