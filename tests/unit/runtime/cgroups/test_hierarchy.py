"""Which cgroups a machine has, from its mounts."""

from __future__ import annotations

from wherry.runtime.cgroups.hierarchy import Hierarchy, parse_mountinfo

LEGACY = """\
30 20 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro
31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 20 0:29 / /other/memory rw - cgroup cgroup rw,memory
"""
UNIFIED = "40 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"


def test_legacy() -> None:
    found = parse_mountinfo(LEGACY)
    assert found.legacy == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory",
    }
    assert not found.is_unified
    assert found.directories("/x", ("cpu", "cpuacct", "memory", "pids")) == [
        "/sys/fs/cgroup/cpu,cpuacct/x",
        "/sys/fs/cgroup/memory/x",
    ]


def test_hybrid_is_legacy() -> None:
    found = parse_mountinfo(LEGACY + UNIFIED)
    assert found.unified == "/sys/fs/cgroup/unified"
    assert not found.is_unified


def test_unified() -> None:
    found = parse_mountinfo(UNIFIED)
    assert found == Hierarchy({}, "/sys/fs/cgroup/unified")
    assert found.is_unified
    assert found.directories("/x", ("cpu", "memory")) == ["/sys/fs/cgroup/unified/x"]
