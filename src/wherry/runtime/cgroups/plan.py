"""From OCI resources to files to write: pure.

The `resources` object is that of the runtime-spec (config-linux.md). A write is (controller, file,
value) in the order in which the kernel accepts them. Values of v2 are derived as crun and runc do
(runc, docs/cgroup-v2.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# A container has a cgroup under these whatever its limits: they account, count and freeze.
ALWAYS_V1 = ("memory", "cpu", "cpuacct", "pids", "devices", "freezer")


class Write(NamedTuple):
    """A value for a file of the cgroup under one controller."""

    controller: str
    file: str
    value: str


def controllers_v1(resources: Mapping[str, Any]) -> list[str]:
    """Return the v1 controllers under which the container gets a cgroup."""
    wanted = list(ALWAYS_V1)
    cpu = resources.get("cpu") or {}
    if cpu.get("cpus") or cpu.get("mems"):
        wanted.append("cpuset")
    if resources.get("blockIO"):
        wanted.append("blkio")
    return wanted


def writes_v1(resources: Mapping[str, Any]) -> list[Write]:
    """Return the writes for legacy controllers."""
    return [
        *_memory_v1(resources.get("memory") or {}),
        *_cpu_v1(resources.get("cpu") or {}),
        *_pids(resources.get("pids") or {}),
        *_block_v1(resources.get("blockIO") or {}),
        *_devices_v1(resources.get("devices") or []),
    ]


def _limit(value: int | None) -> str:
    return "max" if value is None or value < 0 else str(value)


def _memory_v1(memory: Mapping[str, Any]) -> Iterator[Write]:
    if (limit := memory.get("limit")) is not None:
        yield Write("memory", "memory.limit_in_bytes", str(limit))
    if (swap := memory.get("swap")) is not None:
        yield Write("memory", "memory.memsw.limit_in_bytes", str(swap))
    if (reservation := memory.get("reservation")) is not None:
        yield Write("memory", "memory.soft_limit_in_bytes", str(reservation))
    if (swappiness := memory.get("swappiness")) is not None:
        yield Write("memory", "memory.swappiness", str(swappiness))
    if memory.get("disableOOMKiller"):
        yield Write("memory", "memory.oom_control", "1")


def _cpu_v1(cpu: Mapping[str, Any]) -> Iterator[Write]:
    files = (
        ("shares", "cpu", "cpu.shares"),
        ("period", "cpu", "cpu.cfs_period_us"),
        ("quota", "cpu", "cpu.cfs_quota_us"),
        ("realtimePeriod", "cpu", "cpu.rt_period_us"),
        ("realtimeRuntime", "cpu", "cpu.rt_runtime_us"),
        ("cpus", "cpuset", "cpuset.cpus"),
        ("mems", "cpuset", "cpuset.mems"),
    )
    for key, controller, file in files:
        if cpu.get(key):
            yield Write(controller, file, str(cpu[key]))


def _pids(pids: Mapping[str, Any]) -> Iterator[Write]:
    if limit := pids.get("limit"):
        yield Write("pids", "pids.max", _limit(limit))


def _block_v1(block: Mapping[str, Any]) -> Iterator[Write]:
    if weight := block.get("weight"):
        yield Write("blkio", "blkio.weight", str(weight))
    for device in block.get("weightDevice") or []:
        yield Write("blkio", "blkio.weight_device", f"{_numbers(device)} {device['weight']}")
    for key, file in (
        ("throttleReadBpsDevice", "blkio.throttle.read_bps_device"),
        ("throttleWriteBpsDevice", "blkio.throttle.write_bps_device"),
        ("throttleReadIOPSDevice", "blkio.throttle.read_iops_device"),
        ("throttleWriteIOPSDevice", "blkio.throttle.write_iops_device"),
    ):
        for device in block.get(key) or []:
            yield Write("blkio", file, f"{_numbers(device)} {device['rate']}")


def _numbers(device: Mapping[str, Any]) -> str:
    return f"{device['major']}:{device['minor']}"


def _devices_v1(rules: list[Mapping[str, Any]]) -> Iterator[Write]:
    for rule in rules:
        file = "devices.allow" if rule["allow"] else "devices.deny"
        yield Write("devices", file, device_rule(rule))


def device_rule(rule: Mapping[str, Any]) -> str:
    """Return a device rule as the kernel reads it: `c 1:3 rwm`, or `a` for everything."""
    kind = rule.get("type") or "a"
    if kind == "a" and rule.get("major") is None and rule.get("minor") is None:
        return "a"
    numbers = [rule.get("major"), rule.get("minor")]
    major, minor = ("*" if n is None or n < 0 else str(n) for n in numbers)
    return f"{kind} {major}:{minor} {rule.get('access') or 'rwm'}"


def writes_v2(resources: Mapping[str, Any]) -> list[Write]:
    """Return the writes for the unified hierarchy; device rules are a program, not a file."""
    return [
        *_memory_v2(resources.get("memory") or {}),
        *_cpu_v2(resources.get("cpu") or {}),
        *_pids(resources.get("pids") or {}),
        *_block_v2(resources.get("blockIO") or {}),
        *(
            Write(name.partition(".")[0], name, str(value))
            for name, value in (resources.get("unified") or {}).items()
        ),
    ]


def _memory_v2(memory: Mapping[str, Any]) -> Iterator[Write]:
    limit, swap = memory.get("limit"), memory.get("swap")
    if limit is not None:
        yield Write("memory", "memory.max", _limit(limit))
    if swap is not None:
        # In v1's words swap is memory and swap together; v2 counts swap alone.
        alone = swap - limit if swap > 0 and limit and limit > 0 else swap
        yield Write("memory", "memory.swap.max", _limit(alone))
    if (reservation := memory.get("reservation")) is not None:
        yield Write("memory", "memory.low", _limit(reservation))


def weight_of_shares(shares: int) -> int:
    """Map cpu.shares (2 to 262144) to cpu.weight (1 to 10000)."""
    return 1 + (min(max(shares, 2), 262144) - 2) * 9999 // 262142


def _cpu_v2(cpu: Mapping[str, Any]) -> Iterator[Write]:
    if shares := cpu.get("shares"):
        yield Write("cpu", "cpu.weight", str(weight_of_shares(shares)))
    quota, period = cpu.get("quota"), cpu.get("period")
    if quota or period:
        yield Write("cpu", "cpu.max", f"{_limit(quota or None)} {period or 100000}")
    if cpu.get("cpus"):
        yield Write("cpuset", "cpuset.cpus", cpu["cpus"])
    if cpu.get("mems"):
        yield Write("cpuset", "cpuset.mems", cpu["mems"])


def _block_v2(block: Mapping[str, Any]) -> Iterator[Write]:
    if weight := block.get("weight"):
        yield Write("io", "io.weight", str(_io_weight(weight)))
    for device in block.get("weightDevice") or []:
        yield Write("io", "io.weight", f"{_numbers(device)} {_io_weight(device['weight'])}")
    for key, word in (
        ("throttleReadBpsDevice", "rbps"),
        ("throttleWriteBpsDevice", "wbps"),
        ("throttleReadIOPSDevice", "riops"),
        ("throttleWriteIOPSDevice", "wiops"),
    ):
        for device in block.get(key) or []:
            yield Write("io", "io.max", f"{_numbers(device)} {word}={device['rate']}")


def _io_weight(weight: int) -> int:
    """Map blkio.weight (10 to 1000) to io.weight (1 to 10000)."""
    return 1 + (weight - 10) * 9999 // 990
