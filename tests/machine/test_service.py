"""The installed service under systemd: upgrades, crashes, stops, reboots; what containers see.

One machine for all, in the order of the file: each test leaves the service running.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.machine import Machine, await_in, docker
from fixtures.packages import Packages

TICKING = "i=0; while :; do echo $i; i=$((i+1)); sleep 1; done"
POLITE = (
    "trap 'echo stopped politely; exit 7' TERM; echo ready; while :; do sleep 1 & wait $!; done"
)
MANY = 20


def states(machine: Machine) -> dict[str, dict[str, object]]:
    """Return the state of every container by its name."""
    if not (names := docker(machine, "ps", "-aq").split()):
        return {}
    told = json.loads(docker(machine, "inspect", *names))
    return {each["Name"].removeprefix("/"): each["State"] for each in told}


def main_pid(machine: Machine) -> int:
    """Return the pid of wherryd as systemd knows it."""
    return int(machine.shell("systemctl show -P MainPID wherry.service"))


def await_service(machine: Machine, but_not: int = 0) -> int:
    """Wait until the engine answers, as another process than `but_not`; return its pid."""
    await_in(
        machine,
        f'pid=$(systemctl show -P MainPID wherry.service); [ "$pid" != {but_not} ]'
        ' && [ "$(systemctl is-active wherry.service)" = active ]'
        " && docker -H unix:///run/wherry/wherry.sock version",
    )
    return main_pid(machine)


def count_lines(machine: Machine, container: str) -> int:
    """Return how much a container has printed, after asserting that no number is missing."""
    lines = docker(machine, "logs", container).split()
    assert lines == [str(number) for number in range(len(lines))]
    return len(lines)


@pytest.fixture(scope="module")
def many(machine: Machine) -> dict[str, dict[str, object]]:
    """Start twenty containers that print, and return their states."""
    for number in range(MANY):
        docker(machine, "run", "-d", "--name", f"many{number}", "busybox", "sh", "-c", TICKING)
    started = states(machine)
    assert all(started[f"many{number}"]["Running"] for number in range(MANY))
    return started


def require_untouched(machine: Machine, before: dict[str, dict[str, object]]) -> None:
    """Assert that every container is still the same process, and goes on printing."""
    after = states(machine)
    for name in (f"many{number}" for number in range(MANY)):
        assert (after[name]["Pid"], after[name]["StartedAt"], after[name]["Status"]) == (
            before[name]["Pid"],
            before[name]["StartedAt"],
            "running",
        )
    lines = count_lines(machine, "many0")
    await_in(
        machine,
        f"[ $(docker -H unix:///run/wherry/wherry.sock logs many0 | wc -l) -gt {lines} ]",
    )


def test_it_is_enabled_and_runs_after_the_installation_and_after_a_boot(machine: Machine) -> None:
    assert machine.shell("systemctl is-enabled wherry.service") == "enabled"
    assert machine.shell("systemctl is-active wherry.service") == "active"
    assert machine.shell("systemctl --failed --no-legend") == ""
    assert docker(machine, "run", "--rm", "busybox", "echo", "hello") == "hello"


def test_containers_are_in_a_delegated_scope_beside_the_service(machine: Machine) -> None:
    name = docker(machine, "run", "-d", "--memory", "64m", "busybox", "sleep", "1000")
    pid = docker(machine, "inspect", "-f", "{{.State.Pid}}", name)
    group = machine.shell(f"cat /proc/{pid}/cgroup").removeprefix("0::")
    assert ".scope/" in group
    assert machine.shell(f"cat /sys/fs/cgroup{group}/memory.max") == str(64 << 20)
    scope = group.split("/")[-2]
    assert machine.shell(f"systemctl show -P Delegate {scope}") == "yes"
    service = machine.shell("systemctl show -P ControlGroup wherry.service")
    assert machine.shell(f"cat /sys/fs/cgroup{service}/cgroup.procs") == str(main_pid(machine))
    docker(machine, "rm", "-f", name)


def test_an_upgrade_restarts_no_container(
    machine: Machine, packages: Packages, tmp_path: Path, many: dict[str, dict[str, object]]
) -> None:
    engine = main_pid(machine)
    machine.copy_in(newer(packages.deb, tmp_path), "/srv/newer.deb")
    machine.run("dpkg", "-i", "/srv/newer.deb", timeout=600)
    await_service(machine, but_not=engine)
    assert machine.shell("dpkg-query -W -f '${Version}' wherry").endswith("+newer")
    require_untouched(machine, many)


def newer(deb: Path, work: Path) -> Path:
    """Return the same package with a higher version."""
    tree, made = work / "tree", work / "newer.deb"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    lines = [f"{line}+newer" if line.startswith("Version:") else line for line in lines]
    control.write_text("\n".join(lines) + "\n")
    command = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "-b", tree, made]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return made


@pytest.mark.parametrize("verb", ["restart", "kill", "stop and start"])
def test_the_engine_goes_and_comes_and_no_container_notices(
    machine: Machine, many: dict[str, dict[str, object]], verb: str
) -> None:
    before = main_pid(machine)
    if verb == "kill":
        machine.run("kill", "-9", str(before))
    elif verb == "restart":
        machine.run("systemctl", "restart", "wherry.service")
    else:
        machine.run("systemctl", "stop", "wherry.service", "wherry.socket")
        assert machine.run("systemctl", "is-active", "wherry.service", check=False).returncode != 0
        for state in many.values():
            machine.run("test", "-d", f"/proc/{state['Pid']}")
        machine.run("systemctl", "start", "wherry.service")
    await_service(machine, but_not=before)
    require_untouched(machine, many)


def test_a_reboot_stops_containers_politely_and_starts_those_that_shall_run(
    machine: Machine, many: dict[str, dict[str, object]]
) -> None:
    docker(machine, "rm", "-f", *many)
    polite = ("busybox", "sh", "-c", POLITE)
    docker(machine, "run", "-d", "--name", "once", *polite)
    docker(machine, "run", "-d", "--name", "base", "--restart", "always", *polite)
    docker(machine, "run", "-d", "--name", "above", "--restart", "always",
           "--network", "container:base", *polite)  # fmt: skip
    docker(machine, "run", "-d", "--name", "kept", "--restart", "unless-stopped", *polite)
    docker(machine, "run", "-d", "--name", "stopped", "--restart", "unless-stopped", *polite)
    docker(machine, "run", "-d", "--name", "failed", "busybox", "sh", "-c", "exit 42")
    docker(machine, "create", "--name", "created", "--restart", "always", *polite)
    docker(machine, "stop", "stopped")
    assert docker(machine, "wait", "failed") == "42"
    machine.reboot()
    machine.await_system()
    await_service(machine)
    for name in ("base", "above", "kept"):
        await_running(machine, name)
    after = states(machine)
    assert {name: (state["Status"], state["ExitCode"]) for name, state in after.items()} == {
        "once": ("exited", 7),
        "base": ("running", 0),
        "above": ("running", 0),
        "kept": ("running", 0),
        "stopped": ("exited", 7),
        "failed": ("exited", 42),
        "created": ("created", 0),
    }
    assert "stopped politely" in docker(machine, "logs", "once")
    assert str(after["base"]["StartedAt"]) < str(after["above"]["StartedAt"])
    sandbox = "readlink /proc/{}/ns/net"
    assert machine.shell(sandbox.format(after["base"]["Pid"])) == machine.shell(
        sandbox.format(after["above"]["Pid"])
    )


def await_running(machine: Machine, name: str) -> None:
    """Wait until a container runs."""
    inspect = "docker -H unix:///run/wherry/wherry.sock inspect -f '{{.State.Running}}'"
    await_in(machine, f'[ "$({inspect} {name})" = true ]')


def test_after_a_power_cut_what_ran_runs_again(machine: Machine) -> None:
    docker(machine, "stop", "kept")  # a stop that was acknowledged is remembered
    docker(machine, "start", "stopped")
    machine.power_cut()
    machine.boot()
    machine.await_system()
    await_service(machine)
    for name in ("base", "above", "stopped"):
        await_running(machine, name)
    after = {name: state["Status"] for name, state in states(machine).items()}
    assert after["kept"] == after["once"] == after["failed"] == "exited"
    assert after["created"] == "created"
