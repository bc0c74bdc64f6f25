"""What a container gets that asked for nothing, and what it keeps that asked for something."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.engine.containers.defaults import effective, filled_in, limits
from wherry.engine.settings import ContainerDefaults
from wherry.wire.container_config import HostConfig, LogConfig, Ulimit

PLAIN = ContainerDefaults()
SET = ContainerDefaults(
    ulimits={"nofile": (10, 20), "nproc": (1, 2)}, shm_bytes=1 << 20, ipc_mode="shareable",
    cgroupns_mode="host", init=True, cgroup_parent="/p", log_driver="json-file",
    log_options={"max-size": "1m", "max-file": "3"},
)  # fmt: skip


def test_docker_s_defaults() -> None:
    host = filled_in(HostConfig(), PLAIN, unified=True)
    assert (host.shm_size, host.ipc_mode, host.cgroupns_mode) == (64 << 20, "private", "private")
    assert host.log_config == LogConfig("json-file", {})
    assert filled_in(HostConfig(), PLAIN, unified=False).cgroupns_mode == "host"


@pytest.mark.parametrize(("unified", "mode"), [(True, "private"), (False, "host")])
def test_a_privileged_container_of_v1_sees_the_host_s_cgroups(unified: bool, mode: str) -> None:
    defaults = ContainerDefaults(cgroupns_mode="private")
    host = filled_in(HostConfig(privileged=True), defaults, unified=unified)
    assert host.cgroupns_mode == mode


def test_the_settings_are_written_down_when_a_container_is_created() -> None:
    host = filled_in(HostConfig(), SET, unified=True)
    assert (host.shm_size, host.ipc_mode, host.cgroupns_mode) == (1 << 20, "shareable", "host")
    assert host.log_config.config == {"max-size": "1m", "max-file": "3"}
    # These are not: a later setting acts on the container, too.
    assert (host.ulimits, host.init, host.cgroup_parent) == (None, None, "")


def test_what_was_asked_for_stays() -> None:
    asked = HostConfig(
        shm_size=5, ipc_mode="private", cgroupns_mode="private",
        log_config=LogConfig("", {"max-size": "2m"}), ulimits=[Ulimit("nofile", 5, 6)],
        init=False, cgroup_parent="/own",
    )  # fmt: skip
    host = filled_in(asked, SET, unified=True)
    assert (host.shm_size, host.ipc_mode, host.cgroupns_mode) == (5, "private", "private")
    assert host.log_config.config == {"max-size": "2m", "max-file": "3"}
    started = effective(host, SET, unified=True)
    assert [(u.name, u.soft, u.hard) for u in started.ulimits or ()] == [
        ("nofile", 5, 6), ("nproc", 1, 2),
    ]  # fmt: skip
    assert (started.init, started.cgroup_parent) == (False, "/own")


def test_default_options_are_for_the_default_driver_alone() -> None:
    host = filled_in(HostConfig(log_config=LogConfig("local", None)), SET, unified=True)
    assert host.log_config == LogConfig("local", {})
    with pytest.raises(InvalidError, match="no log driver named 'syslog' is registered"):
        filled_in(HostConfig(log_config=LogConfig("syslog", None)), SET, unified=True)


def test_what_is_looked_up_at_each_start() -> None:
    started = effective(HostConfig(), SET, unified=True)
    assert [u.name for u in started.ulimits or ()] == ["nofile", "nproc"]
    assert (started.init, started.cgroup_parent, started.shm_size) == (True, "/p", 1 << 20)
    assert effective(HostConfig(), PLAIN, unified=True).init is False


def test_in_the_host_s_processes_nobody_is_an_init() -> None:
    assert effective(HostConfig(pid_mode="host", init=True), SET, unified=True).init is False


@pytest.mark.parametrize(
    ("host", "options"),
    [
        (HostConfig(), None),
        (HostConfig(privileged=True), ["label=disable"]),
        (HostConfig(ipc_mode="host", security_opt=["a=b"]), ["a=b", "label=disable"]),
        (HostConfig(pid_mode="host", security_opt=["label=level:s0"]), ["label=level:s0"]),
    ],
)
def test_who_shares_with_the_host_has_no_labels(
    host: HostConfig, options: list[str] | None
) -> None:
    assert filled_in(host, PLAIN, unified=True).security_opt == options


def test_inspect_s_limits_are_the_container_s_own_before_those_of_the_settings() -> None:
    assert limits(HostConfig(), PLAIN) is None
    own = HostConfig(ulimits=[Ulimit("nofile", 5, 6)])
    assert limits(own, PLAIN) == own.ulimits
    assert [one.name for one in limits(own, SET) or ()] == ["nofile", "nproc"]
