"""Builds that fail, are given up or killed, odd contexts, and secrets: nothing is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.contexts import classic, context
from fixtures.engine import Engine, engine_id, program, running_engine
from fixtures.waiting import eventually

HOLD = "FROM busybox\nRUN echo first >/first\nRUN echo running; exec sleep 300\n"


def held(engine: Engine) -> dict[str, list[str]]:
    """Return what builds could leave behind: in the kernel, on the disk, in the database."""
    identity = engine_id(engine)
    cgroups = [
        str(path)
        for top in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir())
        for path in top.glob(f"wherry-{identity}/*/")
    ]
    with sqlite3.connect(f"file:{engine.data_root}/wherry.db?mode=ro", uri=True) as database:
        leases = [row[0] for row in database.execute("SELECT DISTINCT name FROM leases")]
    return {
        "cgroups": cgroups,
        "leases": leases,
        "containers": os.listdir(engine.data_root / "containers"),
        "partials": os.listdir(engine.data_root / "content" / "partial"),
        "layers": [n for n in os.listdir(engine.data_root / "layers") if "partial" in n],
        "trash": os.listdir(engine.data_root / "trash"),
        "links": [n for n in os.listdir("/sys/class/net") if n.startswith(f"whv{identity[:4]}")],
    }  # fmt: skip


NOTHING: dict[str, list[str]] = {
    "cgroups": [], "leases": [], "containers": [], "partials": [], "layers": [], "trash": [],
    "links": [],
}  # fmt: skip


def running_build(engine: Engine, folder: Path) -> subprocess.Popen[bytes]:
    """Start a build and return when its last step's process runs."""
    started = subprocess.Popen(
        ["docker", "-H", engine.host, "build", "-t", "never", str(folder)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert started.stdout is not None
    for line in started.stdout:
        if line.strip() == b"running":
            break
    return started


def test_a_failing_step_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS a\nRUN sleep 300\n"
        "FROM busybox\n"
        "RUN --mount=type=bind,target=/c --mount=type=tmpfs,target=/t sh -c 'exit 9'\n"
        "COPY --from=a / /\n"
    )
    before = time.monotonic()
    done = classic(engine, context(tmp_path, text, {"f": "x"}), check=False)
    assert done.returncode == 9
    assert time.monotonic() - before < 60, "the other stage was waited for"
    eventually(lambda: held(engine) == NOTHING)
    assert "<none>" not in engine.docker("images", "-a").stdout


def test_a_client_that_goes_ends_the_build(engine: Engine, tmp_path: Path) -> None:
    building = running_build(engine, context(tmp_path, HOLD))
    os.kill(building.pid, signal.SIGINT)
    building.wait(30)
    eventually(lambda: held(engine) == NOTHING)
    building = running_build(engine, context(tmp_path, HOLD))
    building.kill()
    building.wait(30)
    eventually(lambda: held(engine) == NOTHING)
    assert "never" not in engine.docker("images").stdout


def test_a_client_of_ours_that_goes_ends_the_build(engine: Engine, tmp_path: Path) -> None:
    with subprocess.Popen(
        [program("wherry"), "-H", engine.host, "build", "--progress", "plain",
         str(context(tmp_path, HOLD))],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as building:  # fmt: skip
        assert building.stdout is not None
        while not (line := building.stdout.readline()).strip().endswith(b"running"):
            assert line, "the build ended"
        building.send_signal(signal.SIGINT)
        assert b"canceled" in building.stdout.read()
    assert building.returncode != 0
    eventually(lambda: held(engine) == NOTHING)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 32 MB, unmounted before it is removed."""
    target = tmp_path / "disk"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(target)], check=True)
    try:
        yield target
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)


@pytest.mark.parametrize(
    "text",
    [
        "FROM busybox\nRUN head -c 100000000 /dev/zero >/big\n",
        "FROM busybox\nRUN head -c 12000000 /dev/zero >/a\nCOPY big /one\nCOPY big /two\n",
    ],
)
def test_a_full_disk_ends_the_build_and_is_given_back(
    small_disk: Path, tmp_path: Path, text: str
) -> None:
    folder = context(tmp_path / "c", text, {"big": bytes(8_000_000)})
    with running_engine(root=small_disk / "engine") as engine:
        done = classic(engine, folder, check=False)
        assert done.returncode != 0
        assert "no space left" in (done.stdout + done.stderr).lower()
        eventually(lambda: held(engine) == NOTHING)
        engine.docker("builder", "prune", "-af")
        told = classic(engine, context(tmp_path / "d", "FROM busybox\nRUN echo fine >/x\n")).stdout
        assert "Successfully built" in told


def test_a_killed_engine_leaves_nothing_and_keeps_what_was_done(
    own_engine: Engine, tmp_path: Path
) -> None:
    building = running_build(own_engine, context(tmp_path, HOLD))
    # A step's layer is put away while the next one runs.
    counts = ("system", "df", "--format", "{{.Type}}: {{.TotalCount}}")
    eventually(lambda: "Build Cache: 1" in own_engine.docker(*counts).stdout)
    own_engine.kill()
    building.wait(30)
    own_engine.start()
    eventually(lambda: held(own_engine) == NOTHING)
    assert own_engine.docker("ps", "-aq").stdout == ""
    told = classic(own_engine, context(tmp_path, HOLD.replace("exec sleep 300", "true"))).stdout
    assert told.count("Using cache") == 1


def test_steps_run_beside_each_other(engine: Engine, tmp_path: Path) -> None:
    meet = (
        "touch /m/{here}; for i in $(seq 600); do [ -e /m/{there} ] && exit 0;"
        " usleep 100000; done; exit 1"
    )
    one, two = meet.format(here="a", there="b"), meet.format(here="b", there="a")
    mount = "--mount=type=cache,id=meeting,target=/m"
    text = (
        f"FROM busybox AS a\nRUN {mount} {one}\nFROM busybox\nRUN {mount} {two}\n"
        "COPY --from=a /bin/true /x\n"
    )
    classic(engine, context(tmp_path, text))


def test_odd_contexts(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path / "c", "FROM busybox\nCOPY . /all/\n", {"plain": "x"})
    (folder / "dangling").symlink_to("nowhere")
    (folder / "outside").symlink_to("../../../../../../etc/passwd")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    (folder / os.fsdecode(b"\xff\xfe na\nme")).write_text("bytes")
    (folder / "empty").mkdir()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "socket"))
    try:
        name = classic(engine, folder, "-q").stdout.strip()
    finally:
        listening.close()
    script = (
        'cd /all && cat plain "$(printf "\\377\\376 na\\nme")" && test -p fifo && test -d empty'
        " && test ! -e socket && for f in dangling outside loop; do readlink $f; done"
    )
    told = engine.docker("run", "--rm", name, "sh", "-c", script).stdout
    assert "xbytesnowhere\n../../../../../../etc/passwd\nloop\n" in told
    eventually(lambda: held(engine) == NOTHING)


@pytest.mark.timeout(400)
def test_a_context_of_many_files(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path / "c", "FROM busybox\nCOPY . /all/\nRUN find /all | wc -l >/n\n")
    for number in range(500):
        (folder / f"d{number}").mkdir()
        for other in range(200):
            (folder / f"d{number}" / f"f{other}").touch()
    name = classic(engine, folder, "-q", timeout=300).stdout.strip()
    assert engine.docker("run", "--rm", name, "cat", "/n").stdout.strip() == str(100_000 + 502)


@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        ("FROM busybox\nCOPY ../secret /x\n", "secret"),
        ("FROM busybox\nCOPY nothere /x\n", "nothere"),
        ("FROM busybox\nCOPY --from=localhost:1/nowhere /x /y\n", "localhost:1"),
        ("FROM busybox\nUSER nobody-knows\nRUN true\n", "unable to find user nobody-knows"),
        ('FROM busybox\nRUN ["/nothere"]\n', "no such file"),
    ],
)
def test_what_is_missing_is_named(
    engine: Engine, tmp_path: Path, dockerfile: str, words: str
) -> None:
    done = classic(engine, context(tmp_path, dockerfile), check=False)
    assert done.returncode != 0
    assert words in done.stderr
    eventually(lambda: held(engine) == NOTHING)


SECRET = "correct-horse-battery-staple"


def test_secrets_appear_nowhere(own_engine: Engine, tmp_path: Path) -> None:
    text = (
        "FROM busybox\n"
        "RUN --mount=type=secret,id=key cp /run/secrets/key /dev/shm/k && wc -c </dev/shm/k >/size"
        " && stat -c '%a %u %g' /run/secrets/key >/mode\n"
        "RUN --mount=type=secret,id=key,env=KEY,target=/in/here,mode=0444,uid=7"
        ' test "$KEY" = "$(cat /in/here)" && stat -c \'%a %u %g\' /in/here >>/mode\n'
        "RUN test ! -e /run/secrets && test ! -e /in\n"
    )
    folder = context(tmp_path / "c", text)
    (tmp_path / "key").write_text(SECRET)
    listed = set()
    building = subprocess.Popen(
        [program("wherry"), "-H", own_engine.host, "build", "-t", "kept", "--progress", "plain",
         "--secret", f"id=key,src={tmp_path / 'key'}", str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    while building.poll() is None:
        listed |= set(command_lines())
    output = building.communicate()[0].decode()
    assert building.returncode == 0, output
    assert SECRET not in output
    assert not any(SECRET.encode() in line for line in listed)
    shown = own_engine.docker("run", "--rm", "kept", "cat", "/size", "/mode").stdout
    assert shown == f"{len(SECRET)}\n400 0 0\n444 7 0\n"
    told = own_engine.docker("history", "--no-trunc", "kept").stdout
    told += json.dumps(json.loads(own_engine.docker("inspect", "kept").stdout))
    told += own_engine.log.read_text()
    assert SECRET not in told
    assert holding(SECRET, own_engine.data_root, own_engine.exec_root) == []
    assert own_engine.stop() == 0
    assert holding(SECRET, own_engine.data_root, own_engine.exec_root) == []
    assert not Path(f"/dev/shm/wherry-{engine_id(own_engine)}").exists()
    own_engine.start()


def command_lines() -> Iterator[bytes]:
    """Yield what a list of processes shows of all but our own."""
    for name in set(filter(str.isdecimal, os.listdir("/proc"))) - {str(os.getpid())}:
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{name}/cmdline").read_bytes()


def holding(text: str, *roots: Path) -> list[str]:
    """Return every file below that has a text in it."""
    found = subprocess.run(
        ["grep", "-rlaF", "--devices=skip", text, *map(str, roots)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.splitlines()
