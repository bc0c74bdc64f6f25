"""`wherry` beside the stock docker client on one engine: the same command, the same answer.

What is the same up to names, ids and ages is compared as text; terminals and signals are tried with
`wherry` alone, against what docker does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine, program
from fixtures.registry import running_registry
from fixtures.waiting import eventually
from wherry.linux.terminal import to_the_end

WHERRY = program("wherry")
WAIT = 60


@pytest.fixture(scope="module", autouse=True)
def settled(engine: Engine) -> Iterator[None]:
    """Containers that the listings show: one runs, one has ended, one was never started."""
    engine.docker(
        "run", "-d", "--name", "web", "-l", "a=b", "-l", "com.x=1", "-p", "127.0.0.1::80", "-v",
        "data:/data", "busybox", "sleep", "1000",
    )  # fmt: skip
    script = "echo out; echo err >&2; exit 4"
    engine.docker("run", "--name", "ended", "busybox", "sh", "-c", script, check=False)
    engine.docker("create", "--name", "new", "busybox", "sh", "-c", "echo 'a > b & c'")
    yield
    engine.docker("volume", "rm", "-f", "data", check=False)


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A container name of the test's own, removed afterwards."""
    drawn = f"c{uuid.uuid4().hex[:10]}"
    yield drawn
    engine.docker("rm", "-fv", drawn, check=False)


def environment(engine: Engine) -> dict[str, str]:
    """Return the variables that both clients get."""
    own = {"DOCKER_HOST": engine.host, "WHERRY_HOST": engine.host, "TERM": "xterm"}
    return {**os.environ, **own, "DOCKER_CONFIG": str(engine.root / "docker")}


def run(
    engine: Engine, client: str, words: tuple[str, ...], stdin: bytes = b""
) -> tuple[int, str, str]:
    """Run a client; return status, output and errors without what differs between the two."""
    done = subprocess.run(
        [client, *words], input=stdin, capture_output=True, timeout=60, check=False,
        env=environment(engine),
    )  # fmt: skip
    return done.returncode, plain(done.stdout.decode()), plain(done.stderr.decode())


def plain(text: str) -> str:
    """Replace the program's name, ids and ages."""
    text = re.sub(r"\b(docker|wherry)( \w+)?:", r"PROGRAM\2:", text)
    text = re.sub(r"'?\b(docker|wherry) (\w+)", r"PROGRAM \2", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "ID", text)
    return re.sub(
        r"(\d+ seconds?|Less than a second|About a minute|\d+ minutes) ?(ago)?", "AGE", text
    )


SAME = [
    "ps -a", "ps -aq", "ps -aq --no-trunc", "ps -l", "ps -n 1", "ps -as", "ps --format json",
    "ps -a --format table|{{.Names}}\\t{{.Status}}\\t{{.Label|\"a\"}}", "ps -q --format {{.ID}}",
    "ps -a --format {{json|.}}", "ps -a --filter name=we --filter status=running",
    "ps -a --format {{.Names}}|{{.Ports}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Labels}}|{{.Size}}",
    "ps --filter nope=1", "ps --filter bad", "ps --nope", "ps -Z", "ps --last x", "ps extra",
    "ps -a --format {{.Names", "container ls", "container list -a",
    "images", "images -q", "images --no-trunc", "images --digests", "images --format json",
    "images nothere", "image ls --format table|{{.Repository}}\\t{{.Size}}",
    "history busybox", "history -q busybox", "history --format json busybox",
    "history -H=false busybox", "history nothere",
    "network ls", "network ls -q", "network ls --format json", "network ls --filter driver=host",
    "volume ls", "volume ls -q", "volume ls --format json", "volume ls -q --format {{.Driver}}",
    "inspect web", "inspect -s ended", "inspect busybox", "inspect data", "inspect bridge",
    "inspect nope", "inspect web nope", "inspect --type image web", "inspect --format json new",
    "inspect -f {{.State.Status}}|{{json|.Args}} new", "inspect -f {{.Mounts}} web",
    "inspect -f {{json|.NetworkSettings.Ports}}|{{.NetworkSettings.Ports}} web",
    "inspect -f {{.Config.Labels.none}}|{{index|.Config.Labels|\"com.x\"}} web",
    "inspect -f {{if|.State.Health}}x{{else}}none{{end}} web",
    "inspect -f {{.Config.Entrypoint}}|{{.Config.Cmd}}|{{.HostConfig.PortBindings}} web",
    "inspect -f {{ web", "inspect -f {{nofunc|.x}} web",
    "container inspect nope", "image inspect busybox", "network inspect none", "volume inspect no",
    "port web", "port web 7", "top web -o pid,comm", "top new", "top nope",
    "logs ended", "logs --tail 1 ended", "logs --since foo ended", "logs --tail x ended",
    "logs nope", "version -f {{.Server.Version}}", "info -f {{.Driver}}|{{.Plugins.Network}}",
    "events --since 10m --until 0s --filter container=new", "events --since x",
    "events --since 10m --until 0s --filter container=new --format {{.Status}}|{{.Actor.ID}}",
    "start nope web", "stop nope", "kill ended", "kill -s FOO web", "wait ended",
    "pause ended", "unpause web", "attach ended", "restart nope", "rm web", "rm nope", "rm -f nope",
    "rename nope x", "rename web ended", "exec nope true", "exec new true", "exec web sh -c exit|5",
    "exec web nope", "exec -w /tmp -e A=1 -u 1:2 web sh -c pwd;id;echo|$A", "exec -it web true",
    "commit nope", "commit web BAD", "tag nope x", "tag busybox BAD", "rmi nope", "rmi -f nope",
    "rmi busybox", "save nope", "load -i /nope", "import /nope", "pull BAD", "pull -a x:1",
    "push nope", "network create --gateway 1.2.3.4 x", "network connect nope web",
    "network disconnect bridge nope", "network create -d foo x", "volume create -d foo x",
    "volume rm data", "login -u me",
    "run --rm busybox sh -c echo|a;echo|b|>&2;exit|3", "run --rm busybox /nope",
    "run --rm busybox /etc", "run --rm busybox nope", "run --pull never nope",
    "run --pull bogus busybox", "run --name web busybox true", "run -it busybox true",
    "run --rm -e A=1 -e B= -w /new -u 5:6 -h host busybox sh -c id;pwd;hostname;echo|$A$B",
    "run --rm --read-only --tmpfs /t busybox sh -c touch|/t/x;touch|/x",
    "run --rm --cap-drop ALL --cap-add chown busybox grep Cap /proc/self/status",
    "run --rm --entrypoint= busybox echo x", "run --rm --network none busybox ls /sys/class/net",
    "run --rm --add-host x:1.2.3.4 busybox grep x /etc/hosts",
    "run --rm --dns 9.9.9.9 --dns-search y busybox cat /etc/resolv.conf",
    "run --rm --ulimit nofile=100:200 --init busybox sh -c ulimit|-n;ulimit|-Hn",
    "run --rm --sysctl net.ipv4.ip_forward=0 busybox cat /proc/sys/net/ipv4/ip_forward",
    "run --rm -t busybox tty", "run -m foo busybox", "run -p foo busybox", "run --env-file /no x",
    "run --ulimit nofile=5:1 busybox", "run --restart on-failure:x busybox", "run --pid foo x",
    "run --rm --restart always busybox true", "run --mount type=bind busybox", "run -a foo busybox",
    "run --mount type=tmpfs,dst=/x,foo=bar busybox", "create --network nope busybox true",
    "create --env =x busybox", "create -p 80/foo busybox", "create --name web busybox",
]  # fmt: skip


@pytest.mark.parametrize("line", SAME)
def test_the_same_answer(engine: Engine, line: str) -> None:
    """A `|` in the list stands for a space within a word."""
    words = tuple(word.replace("|", " ") for word in line.split(" "))
    ours, theirs = run(engine, WHERRY, words), run(engine, "docker", words)
    if ours != theirs:  # between `9 seconds` and `10 seconds` the columns shift
        ours, theirs = run(engine, WHERRY, words), run(engine, "docker", words)
    assert ours == theirs


@pytest.mark.parametrize("size", [0, 1, 10_000_000])
def test_input_goes_through(engine: Engine, size: int) -> None:
    data = os.urandom(size)
    for words in (["run", "--rm", "-i", "busybox", "cat"], ["exec", "-i", "web", "cat"]):
        done = subprocess.run(
            [WHERRY, *words], input=data, capture_output=True, timeout=60, check=True,
            env=environment(engine),
        )  # fmt: skip
        assert done.stdout == data


CREATED = [
    "create -it -e A=1 -w /w -u 1:2 -h host --domainname d --stop-signal INT --stop-timeout 5",
    "create -v /etc:/e:ro -v data:/v -v /anon --tmpfs /t:size=1m",
    "create --mount type=bind,src=/etc,dst=/f,ro --mount type=tmpfs,dst=/s,tmpfs-size=1m",
    "create --mount type=volume,src=data,dst=/q,volume-nocopy",
    "create -p 80 -p 8080:80 -p 127.0.0.1::81/udp -p 9000-9002:90-92",
    "create --expose 5 --expose 6-7/udp -P",
    "create -m 64m --memory-swap 80m --memory-reservation 32m --cpus 1.5 --cpu-shares 5",
    "create --pids-limit 5 --cpuset-cpus 0 --oom-score-adj 5 --shm-size 5m",
    "create --ulimit nofile=1:2 --ulimit core=-1",
    "create --privileged --read-only --init --rm --pid host --ipc host --uts host --cgroupns host",
    "create -l a=b -l c --annotation x=y --log-opt max-size=1m --restart on-failure:3",
    "create --add-host a:1.2.3.4 --add-host b=::1 --dns 1.1.1.1 --dns-option x --dns-search y",
    "create --cap-add net_admin --cap-drop all --security-opt no-new-privileges --group-add 5",
    "create --device /dev/null --device /dev/zero:/dev/z --device /dev/full:/dev/f:r",
    "create --health-cmd x --health-interval 1m5s --health-retries 3 --health-timeout 1s500ms",
    "create --entrypoint foo --sysctl net.ipv4.ip_forward=1 --volumes-from web:ro",
    "create --network none --no-healthcheck",
]


@pytest.mark.parametrize("line", CREATED)
def test_the_same_container(engine: Engine, line: str) -> None:
    words = (*line.split(), "busybox", "sh", "-c", "true")
    assert settings(engine, WHERRY, words) == settings(engine, "docker", words)


def settings(engine: Engine, client: str, words: tuple[str, ...]) -> list[object]:
    """Create a container and return what `inspect` shows of it, less what is drawn at random."""
    made = subprocess.run(
        [client, *words], capture_output=True, text=True, check=False, env=environment(engine)
    )
    assert made.returncode == 0, made.stderr
    [found] = json.loads(engine.docker("inspect", made.stdout.strip()).stdout)
    engine.docker("rm", "-v", found["Id"])
    if found["Config"]["Hostname"] == found["Id"][:12]:
        del found["Config"]["Hostname"]
    # docker's client sends binds in the order of a hash table.
    found["HostConfig"]["Binds"] = sorted(found["HostConfig"]["Binds"] or ())
    for mount in found["Mounts"]:
        if len(mount.get("Name", "")) == 64:  # anonymous
            mount.update(Name="", Source="")
    mounts = sorted(found["Mounts"], key=lambda mount: str(mount["Destination"]))
    return [found["Config"], found["HostConfig"], mounts]


class Terminal:
    """`wherry` on a terminal of its own."""

    def __init__(self, engine: Engine, *words: str, size: tuple[int, int] = (24, 80)) -> None:
        self.fd, theirs = pty.openpty()
        self.resize(*size)
        self.shown = b""
        self.process = subprocess.Popen(
            [WHERRY, *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env=environment(engine), preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        os.write(self.fd, text)

    def until(self, wanted: bytes) -> None:
        """Read until something is shown."""
        deadline = time.monotonic() + WAIT
        while wanted not in self.shown and time.monotonic() < deadline:
            if not self.read():
                break
        assert wanted in self.shown

    def end(self) -> tuple[int, bytes]:
        """Read to the end; return the status and all that was shown."""
        deadline = time.monotonic() + WAIT
        while self.read():
            assert time.monotonic() < deadline, f"has not ended, and shows {self.shown!r}"
        return self.process.wait(WAIT), self.shown

    def read(self) -> bool:
        """Read what has come; False at the end."""
        if not select.select([self.fd], [], [], 0.2)[0]:
            return True
        data = to_the_end(lambda: os.read(self.fd, 65536), b"")
        self.shown += data
        return bool(data)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


@contextlib.contextmanager
def terminal(engine: Engine, *words: str, size: tuple[int, int] = (24, 80)) -> Iterator[Terminal]:
    """Run `wherry` on a terminal; it is ended whatever happens."""
    started = Terminal(engine, *words, size=size)
    try:
        yield started
    finally:
        started.close()


def test_a_shell_on_a_terminal(engine: Engine) -> None:
    with terminal(engine, "run", "--rm", "-it", "busybox", "sh", size=(33, 99)) as screen:
        screen.until(b"# ")
        screen.type(b"stty size; sleep 100\n")
        screen.until(b"33 99\r\n")
        screen.resize(40, 120)
        eventually(lambda: answers(screen, b"\x03stty size\n", b"40 120"))
        screen.type(b"exit 7\n")
        assert screen.end()[0] == 7


def answers(screen: Terminal, typed: bytes, wanted: bytes) -> bool:
    """Type something and say whether the answer has been seen by now."""
    screen.type(typed)
    screen.read()
    return wanted in screen.shown


def test_the_size_is_known_at_birth(engine: Engine) -> None:
    with terminal(engine, "run", "--rm", "-it", "busybox", "stty", "size", size=(33, 99)) as screen:
        assert screen.end() == (0, b"33 99\r\n")


def test_detached_attached_and_ended(engine: Engine, name: str) -> None:
    with terminal(engine, "run", "--name", name, "-it", "busybox", "sh") as screen:
        screen.until(b"# ")
        screen.type(b"\x10\x11")
        assert screen.end()[0] == 0
    assert engine.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"
    with terminal(engine, "attach", "--detach-keys", "a,b", name) as screen:
        screen.type(b"echo $((6*7))\n")
        screen.until(b"42")
        screen.type(b"ab")
        assert screen.end()[0] == 0
    with terminal(engine, "attach", name) as screen:
        screen.type(b"\nexit 4\n")
        assert screen.end()[0] == 4
    with terminal(engine, "start", "-ai", name) as screen:
        screen.until(b"# ")
        screen.type(b"exit 5\n")
        assert screen.end()[0] == 5


def test_exec_on_a_terminal(engine: Engine) -> None:
    with terminal(engine, "exec", "-it", "web", "sh") as screen:
        screen.until(b"# ")
        screen.type(b"tty; stty size; exit 6\n")
        status, shown = screen.end()
        assert status == 6
        assert b"/dev/pts/" in shown
        assert b"24 80" in shown


TRAPS = (
    "trap 'echo got; exit 9' INT; trap 'echo term; exit 10' TERM; echo ready; "
    "while :; do usleep 20000; done"
)


def test_signals_reach_the_container(engine: Engine) -> None:
    with terminal(engine, "run", "--rm", "busybox", "sh", "-c", TRAPS) as screen:
        screen.until(b"ready")
        screen.type(b"\x03")
        status, shown = screen.end()
        assert (status, b"got" in shown) == (9, True)
    with terminal(engine, "run", "--rm", "-i", "busybox", "sh", "-c", TRAPS) as screen:
        screen.until(b"ready")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.end()[0] == 10


def test_signals_stay_here_without_proxy(engine: Engine, name: str) -> None:
    words = ["run", "--name", name, "--sig-proxy=false", "busybox", "sh", "-c", TRAPS]
    with terminal(engine, *words) as screen:
        screen.until(b"ready")
        screen.type(b"\x03")
        assert screen.end()[0] == 130
    assert engine.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"


@pytest.mark.parametrize("words", [["logs", "-f", "web"], ["wait", "web"], ["events"]])
def test_interrupted(engine: Engine, words: list[str]) -> None:
    with terminal(engine, *words) as screen:
        eventually(lambda: connections(screen.process.pid) > 0)
        screen.type(b"\x03")
        status, shown = screen.end()
        assert (status, b"Traceback" in shown) == (130, False)


def connections(pid: int) -> int:
    """Count the sockets of a process."""
    with contextlib.suppress(OSError):
        links = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        return sum(link.startswith("socket:") for link in links)
    return 0


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("{w} ps -a --no-trunc | true; exit ${{PIPESTATUS[0]}}", 141, ""),
        ("{w} run --rm busybox seq 99999 | head -1 >&2; exit ${{PIPESTATUS[0]}}", 141, "1\n"),
        ("{w} ps >/dev/full", 1, "No space left on device"),
        ("{w} ps >&-", 0, ""),
        ("{w} run --rm busybox echo hi >&-", 0, ""),
        ("{w} run --rm -i busybox cat <&-", 0, ""),
        ("{w} run --rm -i busybox cat <&- >&- 2>&-", 0, ""),
    ],
)  # fmt: skip
def test_readers_and_writers_that_have_gone(
    engine: Engine, script: str, status: int, words: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", script.format(w=WHERRY)], capture_output=True, text=True, timeout=30,
        stdin=subprocess.DEVNULL, env=environment(engine), check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert words in done.stderr


def test_tables_fit_the_terminal(engine: Engine) -> None:
    for width in (70, 100, 200):
        with terminal(engine, "ps", "-a", size=(24, width)) as screen:
            status, shown = screen.end()
        heading, *rows = shown.decode().splitlines()
        assert (status, heading[:4]) == (0, "\x1b[1m")
        assert max(map(len, rows)) <= width
        assert len(rows) >= 3


def test_an_image_goes_round(engine: Engine, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as address:
        image = f"{address}/app:1"
        assert run(engine, WHERRY, ("tag", "busybox", image))[0] == 0
        with terminal(engine, "push", image) as screen:
            status, shown = screen.end()
            assert (status, shown.count(b"Total: 1 layer")) == (0, 1), shown
        for words in (("push", image), ("push", "-q", image), ("push", "-a", f"{address}/app")):
            ours, theirs = run(engine, WHERRY, words), run(engine, "docker", words)
            assert (ours[0], ours[2]) == (theirs[0], theirs[2])
        engine.docker("rmi", image)
        with terminal(engine, "pull", image) as screen:
            status, shown = screen.end()
            assert (status, b"Status: Downloaded newer image" in shown) == (0, True)
        for words in (("pull", image), ("pull", "-q", image), ("pull", f"{address}/none")):
            assert run(engine, WHERRY, words) == run(engine, "docker", words)
        engine.docker("rmi", image)
        status, out, err = run(engine, WHERRY, ("run", "--rm", image, "echo", "hi"))
        assert (status, out, f"Unable to find image '{image}' locally" in err) == (0, "hi\n", True)
        engine.docker("rmi", image)


def test_archives(engine: Engine, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    assert run(engine, WHERRY, ("save", "-o", str(archive), "busybox"))[:2] == (0, "")
    whole = subprocess.run(
        [WHERRY, "save", "busybox"], capture_output=True, check=True, env=environment(engine)
    )
    assert len(whole.stdout) == archive.stat().st_size
    loaded = (0, "Loaded image: busybox:latest\n", "")
    assert run(engine, WHERRY, ("load", "-i", str(archive))) == loaded
    assert run(engine, WHERRY, ("load", "-q"), stdin=whole.stdout) == loaded
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_login_and_logout(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "users").write_bytes(
        subprocess.run(["htpasswd", "-Bbn", "me", "secret"], capture_output=True, check=True).stdout
    )
    settings = {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "x",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(tmp_path / "users"),
    }
    with running_registry(tmp_path / "registry", settings) as address:
        login = ("login", "-u", "me", "--password-stdin", address)
        wrong = run(engine, WHERRY, login, stdin=b"wrong")
        assert wrong == run(engine, "docker", login, stdin=b"wrong")
        assert wrong[0] == 1
        assert run(engine, WHERRY, login, stdin=b"secret\n")[:2] == (0, "Login Succeeded\n")
        image = f"{address}/app:1"
        engine.docker("tag", "busybox", image)
        for client in ("docker", WHERRY):
            assert run(engine, client, ("push", "-q", image))[0] == 0
        removed = (0, f"Removing login credentials for {address}\n", "")
        assert run(engine, WHERRY, ("logout", address)) == removed
        status, _, words = run(engine, WHERRY, ("push", image))
        assert (status, "no basic auth credentials" in words) == (1, True)
        engine.docker("rmi", image)


def test_questions_before_a_prune(engine: Engine) -> None:
    for words in (("volume", "prune"), ("image", "prune", "-a"), ("container", "prune")):
        ours = run(engine, WHERRY, words, stdin=b"n\n")
        assert ours == run(engine, "docker", words, stdin=b"n\n")
        assert (ours[0], "Are you sure" in ours[1]) == (0, True)
    filtered = ("container", "prune", "-f", "--filter", "label=none")
    assert run(engine, WHERRY, filtered) == (0, "Total reclaimed space: 0B\n", "")
    status, out, _ = run(engine, WHERRY, ("system", "prune", "-f", "--filter", "label=none"))
    assert (status, out) == (0, "Total reclaimed space: 0B\n")
