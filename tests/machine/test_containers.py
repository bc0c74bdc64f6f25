"""The repository's own tests of containers, run where there is no cgroup but version 2.

The machine has systemd, Debian's kernel and Debian's dockerd to compare with. Of the tests, those
run here that concern what containers need of a kernel; the rest, such as those of what our own
client prints, would be the same again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.machine import Machine, new_machine
from fixtures.machine.source import put_source, run_tests

GROUPS = {
    "kernel": "tests/unit/linux tests/unit/runtime tests/unit/keeper tests/unit/network",
    "keepers": "tests/system/keeper tests/system/supervision",
    "crashes": "tests/system/test_crashes.py",
    "networks": "tests/system/test_networks.py",
    "runtime": "tests/system/test_runtime_command.py",
    "build steps": "tests/system/build/test_steps.py",
    "left steps": "tests/system/build/test_step_recovery.py -k own-cgroup-engine-and-keepers",
    "docker": "tests/compat/test_docker_client.py tests/compat/test_docker_py.py",
    "compose": "tests/compat/test_compose.py tests/compat/test_networks_and_volumes.py",
    "dockerd": "tests/compat/test_isolation.py",
}
OPTIONS = ["-n", "2", "-q", "-rs"]
SECONDS = 1800


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with this repository in it."""
    # With AppArmor in the kernel, dockerd wants its programs too; we do not use it.
    with new_machine(kernel_options="apparmor=0") as booted:
        booted.await_system()
        put_source(booted)
        yield booted


def test_there_is_no_other_cgroup(machine: Machine) -> None:
    mounted = machine.shell("cat /proc/self/mountinfo")
    kinds = {line.split(" - ")[1].split()[0] for line in mounted.splitlines()}
    assert "cgroup2" in kinds
    assert "cgroup" not in kinds


@pytest.mark.parametrize("group", GROUPS)
def test_the_tests_of_containers_pass_here_too(machine: Machine, group: str) -> None:
    done = run_tests(machine, [*OPTIONS, *GROUPS[group].split()], SECONDS)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-5_000:]
