"""What a machine's boot leaves of containers, and in which order they come back.

A boot is acted: engine and keepers are killed, and the database is told that this was another boot.
The kernel is the same one, so a process of before may be there still: the collision of pid and
start time that a real boot can bring, and that must not matter.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.waiting import eventually, has_ended

pytestmark = pytest.mark.timeout(120)


def die(engine: Engine, *, booted: bool = True) -> None:
    """Kill engine and keepers; with `booted` the next engine finds another boot's database."""
    engine.kill()
    for pid in engine.keepers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not engine.keepers())
    if booted:
        with contextlib.closing(sqlite3.connect(engine.data_root / "wherry.db")) as database:
            database.execute("UPDATE settings SET value = 'another' WHERE key = 'boot-id'")
            database.commit()


def state(engine: Engine, name: str, field: str) -> str:
    return engine.docker("inspect", "-f", f"{{{{{field}}}}}", name).stdout.strip()


def runs(engine: Engine, name: str) -> bool:
    return state(engine, name, ".State.Running") == "true"


def run(engine: Engine, name: str, *flags: str, command: str = "sleep 1000") -> None:
    engine.docker("run", "-d", "--name", name, *flags, "busybox", "sh", "-c", command)


def started_at(engine: Engine, name: str) -> str:
    return state(engine, name, ".State.StartedAt")


def test_nothing_that_ran_is_taken_for_running(own_engine: Engine) -> None:
    engine = own_engine
    run(engine, "web", "-p", "127.0.0.1::80", "--network", "bridge")
    pid = int(state(engine, "web", ".State.Pid"))
    die(engine)
    assert Path(f"/proc/{pid}").exists()  # with the same start time, too
    engine.start()
    assert state(engine, "web", ".State.Status") == "exited"
    assert state(engine, "web", ".State.ExitCode") == "255"
    assert state(engine, "web", ".State.Pid") == "0"
    eventually(lambda: has_ended(pid))  # nobody's is ended
    assert state(engine, "web", ".NetworkSettings.Networks.bridge.IPAddress") == ""
    engine.docker("start", "web")
    assert runs(engine, "web")


def test_the_same_without_a_boot_goes_on(own_engine: Engine) -> None:
    engine = own_engine
    run(engine, "web")
    pid = state(engine, "web", ".State.Pid")
    die(engine, booted=False)
    engine.start()
    assert state(engine, "web", ".State.Pid") == pid


def test_restart_policies_are_dockers(own_engine: Engine) -> None:
    engine = own_engine
    for policy in ("no", "always", "unless-stopped", "on-failure:2"):
        name = policy.partition(":")[0]
        run(engine, name, "--restart", policy)
        run(engine, f"{name}-off", "--restart", policy)
        engine.docker("stop", "-t", "0", f"{name}-off")
        engine.docker("create", "--name", f"{name}-new", "--restart", policy, "busybox", "true")
    run(engine, "well", "--restart", "on-failure", command="exit 0")
    eventually(lambda: not runs(engine, "well"))
    run(engine, "gone", "--rm")
    die(engine)
    engine.start()
    expected = {"always", "always-off", "unless-stopped", "on-failure"}
    eventually(lambda: running_names(engine) >= expected)
    time.sleep(0.5)  # for those that must not come
    assert running_names(engine) == expected
    assert "gone" not in engine.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert state(engine, "on-failure", ".RestartCount") == "0"


def running_names(engine: Engine) -> set[str]:
    return set(engine.docker("ps", "--format", "{{.Names}}").stdout.split())


def test_they_come_back_in_order_and_one_that_fails_holds_nobody_up(own_engine: Engine) -> None:
    engine = own_engine
    always = ("--restart", "always")
    label = "com.docker.compose"
    base = ("--label", f"{label}.project=p", "--label")
    engine.docker("network", "create", "own")
    # Made in an order in which nothing would start; names sort the other way, too.
    run(engine, "z-base", *always, *base, f"{label}.service=db", "--network", "own")
    depends = f"{label}.depends_on=db:service_started:true"
    run(engine, "y-app", *always, *base, f"{label}.service=app", "--label", depends)
    run(engine, "x-inside", *always, "--network", "container:y-app")
    run(engine, "w-volumes", *always, "--volumes-from", "x-inside")
    run(engine, "v-alone", *always)
    bind = engine.root / "bind"
    bind.mkdir()
    run(engine, "u-broken", *always, "-v", f"{bind}:/x")
    run(engine, "t-after", *always, "--network", "container:u-broken")
    bind.rmdir()
    die(engine)
    engine.start()
    names = {"z-base", "y-app", "x-inside", "w-volumes", "v-alone"}
    eventually(lambda: running_names(engine) >= names)
    order = [started_at(engine, n) for n in ("z-base", "y-app", "x-inside", "w-volumes")]
    assert order == sorted(order)
    assert len(set(order)) == 4
    assert "container u-broken could not be started" in engine.log.read_text()
    assert "container t-after could not be started" in engine.log.read_text()
    assert running_names(engine) == names


def test_many_come_back_at_once(own_engine: Engine) -> None:
    engine = own_engine
    names = {f"c{number}" for number in range(20)}
    for name in names:
        run(engine, name, "--restart", "always")
    die(engine)
    engine.start()
    eventually(lambda: running_names(engine) == names, 60)


def test_a_circle_is_said_and_broken(own_engine: Engine) -> None:
    engine = own_engine
    label = "com.docker.compose"
    for name, other in (("left", "right"), ("right", "left")):
        labels = [
            f"{label}.project=p",
            f"{label}.service={name}",
            f"{label}.depends_on={other}:x:y",
        ]
        flags = [word for one in labels for word in ("--label", one)]
        run(engine, name, "--restart", "always", *flags)
    die(engine)
    engine.start()
    eventually(lambda: running_names(engine) == {"left", "right"})
    assert "which needs it: it is started without waiting" in engine.log.read_text()


def test_a_container_keeps_the_cgroup_that_it_was_started_in(own_engine: Engine) -> None:
    engine = own_engine
    run(engine, "web", "--memory", "64m")
    pid = state(engine, "web", ".State.Pid")
    groups = Path(f"/proc/{pid}/cgroup").read_text()
    assert engine.stop() == 0
    engine.flags = ("--cgroup-parent", "/wherry-test-elsewhere")
    try:
        engine.start()
        assert Path(f"/proc/{pid}/cgroup").read_text() == groups
        engine.docker("pause", "web")
        engine.docker("unpause", "web")
        assert "sleep" in engine.docker("top", "web").stdout
        assert engine.docker("exec", "web", "true").returncode == 0
        engine.docker("rm", "-f", "web")
        assert not any(
            Path(f"/sys/fs/cgroup{line.partition(':')[2].partition(':')[2]}").exists()
            for line in groups.splitlines()
            if "wherry" in line
        )
    finally:
        for top in ("/sys/fs/cgroup", *map(str, Path("/sys/fs/cgroup").iterdir())):
            with contextlib.suppress(OSError):
                os.rmdir(f"{top}/wherry-test-elsewhere")
