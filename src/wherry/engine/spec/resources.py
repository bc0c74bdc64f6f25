"""Limits: from HostConfig to the `linux.resources` object, and what makes no sense refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wherry.base.errors import InvalidError
from wherry.wire.container_config import Device, HostConfig

_LEAST_MEMORY: Final = 6 << 20
_CPU_PERIOD: Final = 100_000
_MOST_SWAPPINESS = 100
_NANO_CPU: Final = 1_000_000_000
_WEIGHTS: Final = range(10, 1001)
# Fields of HostConfig, and the keys of the runtime-spec for them.
_THROTTLES: Final = {
    "blkio_device_read_bps": "throttleReadBpsDevice",
    "blkio_device_write_bps": "throttleWriteBpsDevice",
    "blkio_device_read_iops": "throttleReadIOPSDevice",
    "blkio_device_write_iops": "throttleWriteIOPSDevice",
}
_DEVICE_RULE: Final = re.compile(r"([abc]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})")
# What every container may do with devices (moby, oci/defaults.go): make any node, use the usual.
_DEFAULT_RULES: Final = (
    {"allow": False, "access": "rwm"},
    {"allow": True, "type": "c", "access": "m"},
    {"allow": True, "type": "b", "access": "m"},
    *(
        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
        for major, minor in ((1, 5), (1, 3), (1, 9), (1, 8), (1, 7), (5, 0), (5, 1), (5, 2))
    ),
    {"allow": True, "type": "c", "major": 136, "access": "rwm"},
    {"allow": False, "type": "c", "major": 10, "minor": 229, "access": "rwm"},
)


def check(host: HostConfig, cpus: int) -> None:
    """Raise InvalidError, in Docker's words, for limits that make no sense."""
    if 0 < host.memory < _LEAST_MEMORY:
        raise InvalidError("Minimum memory limit allowed is 6MB")
    if host.memory and 0 < host.memory_swap < host.memory:
        raise InvalidError("Minimum memoryswap limit should be larger than memory limit, see usage")
    if not host.memory and host.memory_swap > 0:
        raise InvalidError("You should always set the Memory limit when using Memoryswap limit")
    if host.nano_cpus and (host.cpu_quota or host.cpu_period):
        raise InvalidError("Conflicting options: Nano CPUs and CPU Period/Quota cannot both be set")
    if host.nano_cpus < 0 or host.nano_cpus > cpus * _NANO_CPU:
        raise InvalidError(
            f"range of CPUs is from 0.01 to {cpus:.2f}, as there are only {cpus} CPUs available"
        )
    if host.memory_swappiness is not None and not -1 <= host.memory_swappiness <= _MOST_SWAPPINESS:
        raise InvalidError(
            f"Invalid value: {host.memory_swappiness}, valid memory swappiness range is 0-100"
        )
    if host.oom_score_adj < -1000 or host.oom_score_adj > 1000:
        raise InvalidError(
            f"Invalid value {host.oom_score_adj}, range for oom score adj is [-1000, 1000]"
        )
    _check_disks(host)


def _check_disks(host: HostConfig) -> None:
    weights = [host.blkio_weight, *(one.weight for one in host.blkio_weight_device or ())]
    if any(weight and weight not in _WEIGHTS for weight in weights):
        raise InvalidError("Range of blkio weight is from 10 to 1000")
    for name in _THROTTLES:
        for one in getattr(host, name) or ():
            if one.rate < 0:
                raise InvalidError(f"invalid rate for device: {one.path}:{one.rate}")


def disks(host: HostConfig) -> set[str]:
    """Return the paths of the disks that limits are asked for."""
    asked = (getattr(host, name) or () for name in ("blkio_weight_device", *_THROTTLES))
    return {one.path for group in asked for one in group}


def resources(
    host: HostConfig,
    devices: Sequence[dict[str, Any]],
    disk_numbers: Mapping[str, tuple[int, int]],
) -> dict[str, Any]:
    """Return the `resources` object.

    `devices` are those of `linux.devices`, `disk_numbers` the major and minor numbers of `disks`.
    """
    made: dict[str, Any] = {"devices": _device_rules(host, devices)}
    parts = {
        "memory": _memory(host),
        "cpu": _cpu(host),
        "blockIO": _block(host, disk_numbers),
    }
    made |= {key: part for key, part in parts.items() if part}
    if host.pids_limit and host.pids_limit > 0:
        made["pids"] = {"limit": host.pids_limit}
    return made


def _memory(host: HostConfig) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if host.memory > 0:
        made["limit"] = host.memory
        # Without a word about swap a container may use as much of it as memory.
        made["swap"] = host.memory_swap or 2 * host.memory
    if host.memory_reservation:
        made["reservation"] = host.memory_reservation
    if host.memory_swappiness is not None and host.memory_swappiness >= 0:
        made["swappiness"] = host.memory_swappiness
    if host.oom_kill_disable:
        made["disableOOMKiller"] = True
    return made


def _cpu(host: HostConfig) -> dict[str, Any]:
    made: dict[str, Any] = {
        "shares": host.cpu_shares,
        "period": host.cpu_period,
        "quota": host.cpu_quota,
        "realtimePeriod": host.cpu_realtime_period,
        "realtimeRuntime": host.cpu_realtime_runtime,
        "cpus": host.cpuset_cpus,
        "mems": host.cpuset_mems,
    }
    if host.nano_cpus:
        made["period"] = _CPU_PERIOD
        made["quota"] = host.nano_cpus * _CPU_PERIOD // _NANO_CPU
    return {key: value for key, value in made.items() if value}


def _block(host: HostConfig, numbers: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    def limits(name: str, key: str) -> list[dict[str, Any]]:
        return [
            {"major": numbers[one.path][0], "minor": numbers[one.path][1], key: getattr(one, key)}
            for one in getattr(host, name) or ()
            if getattr(one, key)  # 0 is no limit
        ]

    made: dict[str, Any] = {
        "weight": host.blkio_weight,
        "weightDevice": limits("blkio_weight_device", "weight"),
        **{key: limits(name, "rate") for name, key in _THROTTLES.items()},
    }
    return {key: value for key, value in made.items() if value}


def _device_rules(host: HostConfig, devices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    if host.privileged:
        return [{"allow": True, "access": "rwm"}]
    rules = [dict(rule) for rule in _DEFAULT_RULES]
    for device in devices:
        keys = {key: device[key] for key in ("type", "major", "minor")}
        rules.append({"allow": True, "access": device["access"], **keys})
    return rules + [parse_device_rule(text) for text in host.device_cgroup_rules or ()]


def parse_device_rule(text: str) -> dict[str, Any]:
    """Parse `c 1:3 rwm`; `*` stands for any number."""
    match = _DEVICE_RULE.fullmatch(text)
    if match is None:
        raise InvalidError(f"invalid device cgroup rule format: '{text}'")
    kind, major, minor, access = match.groups()
    rule: dict[str, Any] = {"allow": True, "type": kind, "access": access}
    numbers = {"major": major, "minor": minor}
    return rule | {key: int(number) for key, number in numbers.items() if number != "*"}


def access_of(device: Device) -> str:
    """Return how a device may be used."""
    return device.cgroup_permissions or "rwm"
