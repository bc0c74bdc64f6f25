"""Resources become writes."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.runtime.cgroups import plan


@pytest.mark.parametrize(
    ("resources", "writes"),
    [
        ({}, []),
        (
            {"memory": {"limit": 100, "swap": 200, "reservation": 50, "swappiness": 0}},
            ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=200",
             "memory.soft_limit_in_bytes=50", "memory.swappiness=0"],
        ),
        ({"memory": {"disableOOMKiller": True}}, ["memory.oom_control=1"]),
        (
            {"cpu": {"quota": 50000, "period": 100000, "shares": 512, "cpus": "0-1"}},
            ["cpu.shares=512", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000",
             "cpuset.cpus=0-1"],
        ),
        ({"pids": {"limit": 7}}, ["pids.max=7"]),
        ({"pids": {"limit": -1}}, ["pids.max=max"]),
        ({"pids": {"limit": 0}}, []),
        (
            {"blockIO": {"weightDevice": [{"major": 8, "minor": 16, "weight": 20}]}},
            ["blkio.weight_device=8:16 20"],
        ),
        (
            {"blockIO": {"weight": 300, "throttleReadBpsDevice": [
                {"major": 8, "minor": 0, "rate": 99}]}},
            ["blkio.weight=300", "blkio.throttle.read_bps_device=8:0 99"],
        ),
        (
            {"devices": [{"allow": False, "access": "rwm"},
                         {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"}]},
            ["devices.deny=a", "devices.allow=c 1:3 rw"],
        ),
    ],
)  # fmt: skip
def test_legacy(resources: dict[str, Any], writes: list[str]) -> None:
    assert [f"{write.file}={write.value}" for write in plan.writes_v1(resources)] == writes


@pytest.mark.parametrize(
    ("resources", "writes"),
    [
        ({}, []),
        (
            {"memory": {"limit": 100, "swap": 250, "reservation": 50}},
            ["memory.max=100", "memory.swap.max=150", "memory.low=50"],
        ),
        ({"memory": {"limit": -1, "swap": -1}}, ["memory.max=max", "memory.swap.max=max"]),
        ({"memory": {"limit": 100, "swap": 100}}, ["memory.max=100", "memory.swap.max=0"]),
        ({"cpu": {"quota": 50000}}, ["cpu.max=50000 100000"]),
        ({"cpu": {"period": 1000}}, ["cpu.max=max 1000"]),
        ({"cpu": {"quota": -1, "period": 1000}}, ["cpu.max=max 1000"]),
        ({"blockIO": {"weight": 10}}, ["io.weight=1"]),
        ({"blockIO": {"weight": 1000}}, ["io.weight=10000"]),
        (
            {"blockIO": {"weightDevice": [{"major": 8, "minor": 16, "weight": 10}]}},
            ["io.weight=8:16 1"],
        ),
        (
            {"blockIO": {"throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 5}]}},
            ["io.max=8:1 wiops=5"],
        ),
        ({"unified": {"memory.high": "77"}}, ["memory.high=77"]),
        ({"devices": [{"allow": False}]}, []),
    ],
)
def test_unified(resources: dict[str, Any], writes: list[str]) -> None:
    assert [f"{write.file}={write.value}" for write in plan.writes_v2(resources)] == writes


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (0, 1), (1024, 39), (262144, 10000)])
def test_shares_become_weights(shares: int, weight: int) -> None:
    assert plan.weight_of_shares(shares) == weight


def test_controllers_are_used_on_demand() -> None:
    assert plan.controllers_v1({}) == list(plan.ALWAYS_V1)
    assert "cpuset" in plan.controllers_v1({"cpu": {"cpus": "0"}})
    assert "blkio" in plan.controllers_v1({"blockIO": {"weight": 10}})


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"allow": False}, "a"),
        ({"allow": True, "type": "a", "major": 5}, "a 5:* rwm"),
        ({"allow": True, "type": "b", "major": 8, "minor": -1, "access": "r"}, "b 8:* r"),
        ({"allow": True, "type": "c", "access": "m"}, "c *:* m"),
    ],
)
def test_device_rules_as_text(rule: dict[str, Any], text: str) -> None:
    assert plan.device_rule(rule) == text
