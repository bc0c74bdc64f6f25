"""A step becomes a record that the parts of a start can work by."""

from __future__ import annotations

import dataclasses

import pytest

from wherry.base.errors import InvalidError
from wherry.build.ports import Step
from wherry.engine.steps.record import record_of
from wherry.wire.build import Limits

STEP = Step("ab" * 32, "/d", ["/l"], ["make", "all"], ["A=b"], user="app")


def test_what_runs_is_the_step_s() -> None:
    record = record_of(STEP, 2)
    assert (record.id, record.name) == ("ab" * 32, "ab" * 6)
    assert (record.path, record.args) == ("make", ["all"])
    config = record.config
    assert (config.env, config.user, config.working_dir) == (["A=b"], "app", "/")
    assert (config.hostname, config.tty, config.open_stdin) == ("buildkitsandbox", False, False)
    assert not record.state.running


def test_where_it_runs_is_the_step_s() -> None:
    limits = Limits(
        memory=64 << 20, cpu_shares=5, cpuset_cpus="0", shm_size=1 << 20, cgroup_parent="/p",
        ulimits=[("nofile", 1, 2)],
    )  # fmt: skip
    step = dataclasses.replace(
        STEP, network="none", insecure=True, extra_hosts=["a:1.2.3.4"], stdin=b"x", limits=limits
    )
    record = record_of(step, 2)
    host = record.host_config
    assert (host.network_mode, host.privileged, host.extra_hosts) == ("none", True, ["a:1.2.3.4"])
    assert (host.memory, host.cpu_shares, host.cpuset_cpus) == (64 << 20, 5, "0")
    assert (host.shm_size, host.cgroup_parent) == (1 << 20, "/p")
    assert [(u.name, u.soft, u.hard) for u in host.ulimits or ()] == [("nofile", 1, 2)]
    assert record.config.open_stdin


def test_what_nobody_limits_is_left_to_the_engine_s_settings_but_an_init() -> None:
    host = record_of(STEP, 2).host_config
    assert (host.network_mode, host.shm_size, host.memory) == ("default", 0, 0)
    assert host.init is False


@pytest.mark.parametrize(
    "change",
    [{"arguments": []}, {"arguments": [""]}, {"limits": Limits(memory=1)}],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidError):
        record_of(dataclasses.replace(STEP, **change), 2)  # type: ignore[arg-type]
