"""What the kernel's control groups can limit here: read from the hierarchy, never assumed.

The names are those of the API, and what is looked at is what dockerd looks at (moby pkg/sysinfo).
"""

from __future__ import annotations

import os

from wherry.base.values import dataclass
from wherry.runtime.cgroups.hierarchy import Hierarchy

_THROTTLES = ("read_bps", "write_bps", "read_iops", "write_iops")
_IN_IO_MAX = {"read_bps": "rbps", "write_bps": "wbps", "read_iops": "riops", "write_iops": "wiops"}


@dataclass(frozen=True, slots=True)
class Support:
    """Whether each kind of limit can be set. `throttles` are those of reading and writing."""

    unified: bool
    memory: bool = False
    swap: bool = False
    oom_kill_disable: bool = False
    kernel_memory_tcp: bool = False
    cpu_quota: bool = False
    cpu_shares: bool = False
    cpuset: bool = False
    pids: bool = False
    io_weight: bool = False
    throttles: frozenset[str] = frozenset()

    def fields(self) -> dict[str, bool]:
        """Return the fields of `GET /info`; one that only v1 has is left out on v2."""
        made = {
            "MemoryLimit": self.memory,
            "SwapLimit": self.swap,
            "CpuCfsPeriod": self.cpu_quota,
            "CpuCfsQuota": self.cpu_quota,
            "CPUShares": self.cpu_shares,
            "CPUSet": self.cpuset,
            "PidsLimit": self.pids,
            "OomKillDisable": self.oom_kill_disable,
        }
        return made | ({"KernelMemoryTCP": True} if self.kernel_memory_tcp else {})

    def warnings(self) -> list[str]:
        """Return dockerd's words for what cannot be limited."""
        of_v1, of_v2 = not self.unified, self.unified
        absent = {
            "memory limit": not self.memory,
            "swap limit": not self.swap,
            "kernel memory TCP limit": of_v1 and not self.kernel_memory_tcp,
            "oom kill disable": of_v1 and not self.oom_kill_disable,
            "cpu cfs quota": not self.cpu_quota,
            "cpu cfs period": not self.cpu_quota,
            "cpu shares": not self.cpu_shares,
            "cpuset": not self.cpuset,
            "io.weight": of_v2 and not self.io_weight,
            "io.weight (per device)": of_v2 and not self.io_weight,
        }
        for name in _THROTTLES:
            words = f"io.max ({_IN_IO_MAX[name]})" if of_v2 else f"blkio throttle.{name}_device"
            absent[words] = name not in self.throttles
        return [f"WARNING: No {name} support" for name, is_so in absent.items() if is_so]


def read(hierarchy: Hierarchy, own_cgroup: str) -> Support:
    """Look at the hierarchy. Blocking.

    `own_cgroup` is the engine's own path on v2: the root of the tree has no files for limits.
    """
    return _of_v2(hierarchy, own_cgroup) if hierarchy.is_unified else _of_v1(hierarchy)


def _of_v2(hierarchy: Hierarchy, own_cgroup: str) -> Support:
    has = hierarchy.controllers
    swap = f"{hierarchy.unified}{own_cgroup.rstrip('/')}/memory.swap.max"
    return Support(
        unified=True,
        memory="memory" in has,
        swap="memory" in has and os.path.exists(swap),
        cpu_quota="cpu" in has,
        cpu_shares="cpu" in has,
        cpuset="cpuset" in has,
        pids="pids" in has,
        io_weight="io" in has,
        throttles=frozenset(_THROTTLES) if "io" in has else frozenset(),
    )


def _of_v1(hierarchy: Hierarchy) -> Support:
    def has(controller: str, file: str) -> bool:
        top = hierarchy.legacy.get(controller)
        return top is not None and os.path.exists(f"{top}/{file}")

    return Support(
        unified=False,
        memory=has("memory", "memory.limit_in_bytes"),
        swap=has("memory", "memory.memsw.limit_in_bytes"),
        oom_kill_disable=has("memory", "memory.oom_control"),
        kernel_memory_tcp=has("memory", "memory.kmem.tcp.limit_in_bytes"),
        cpu_quota=has("cpu", "cpu.cfs_quota_us"),
        cpu_shares=has("cpu", "cpu.shares"),
        cpuset="cpuset" in hierarchy.legacy,
        pids="pids" in hierarchy.legacy,
        io_weight=has("blkio", "blkio.weight"),
        throttles=frozenset(
            name for name in _THROTTLES if has("blkio", f"blkio.throttle.{name}_device")
        ),
    )


def own_cgroup(text: str) -> str:
    """Return the path on v2 from the content of /proc/self/cgroup, "/" without one."""
    for line in text.splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::")
    return "/"
