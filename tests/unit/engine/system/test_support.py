"""What can be limited, read from hierarchies made of files."""

from __future__ import annotations

from pathlib import Path

from wherry.engine.system.support import own_cgroup, read
from wherry.runtime.cgroups.hierarchy import Hierarchy

V1_FILES = {
    "memory": ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control",
               "memory.kmem.tcp.limit_in_bytes"],
    "cpu": ["cpu.cfs_quota_us", "cpu.shares"],
    "cpuset": [],
    "pids": [],
    "blkio": [f"blkio.throttle.{kind}_device"
              for kind in ("read_bps", "write_bps", "read_iops", "write_iops")],
}  # fmt: skip


def v1(folder: Path, *missing: str) -> Hierarchy:
    legacy = {}
    for controller, files in V1_FILES.items():
        if controller in missing:
            continue
        legacy[controller] = str(folder / controller)
        (folder / controller).mkdir()
        for name in files:
            if name not in missing:
                (folder / controller / name).touch()
    return Hierarchy(legacy)


def test_all_of_v1(tmp_path: Path) -> None:
    found = read(v1(tmp_path), "/")
    assert set(found.fields().values()) == {True}
    assert found.fields()["KernelMemoryTCP"]
    # Weights of blkio went with their scheduler, and nobody can do anything about that.
    assert found.warnings() == []


def test_what_v1_lacks_is_told(tmp_path: Path) -> None:
    missing = (
        "memory.memsw.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes", "memory.oom_control",
        "cpu.cfs_quota_us", "blkio.throttle.read_bps_device", "cpuset",
    )  # fmt: skip
    found = read(v1(tmp_path, *missing), "/")
    fields = found.fields()
    assert [name for name, value in fields.items() if not value] == [
        "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUSet", "OomKillDisable",
    ]  # fmt: skip
    assert "KernelMemoryTCP" not in fields
    assert found.warnings() == [
        "WARNING: No swap limit support",
        "WARNING: No kernel memory TCP limit support",
        "WARNING: No oom kill disable support",
        "WARNING: No cpu cfs quota support",
        "WARNING: No cpu cfs period support",
        "WARNING: No cpuset support",
        "WARNING: No blkio throttle.read_bps_device support",
    ]


def test_v2_by_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    some = frozenset({"memory", "cpu", "pids"})
    found = read(Hierarchy({}, str(tmp_path), some), "/own")
    assert (found.memory, found.swap, found.cpu_quota, found.pids) == (True, False, True, True)
    assert (found.cpuset, found.oom_kill_disable) == (False, False)
    assert found.warnings() == [
        "WARNING: No swap limit support",
        "WARNING: No cpuset support",
        "WARNING: No io.weight support",
        "WARNING: No io.weight (per device) support",
        *(f"WARNING: No io.max ({kind}) support" for kind in ("rbps", "wbps", "riops", "wiops")),
    ]
    (tmp_path / "own" / "memory.swap.max").touch()
    whole = Hierarchy({}, str(tmp_path), some | {"io", "cpuset"})
    assert read(whole, "/own").warnings() == []


def test_the_engine_s_own_cgroup() -> None:
    assert own_cgroup("0::/system.slice/wherry.service\n") == "/system.slice/wherry.service"
    assert own_cgroup("5:memory:/x\n0::/\n") == "/"
    assert own_cgroup("5:memory:/x\n") == "/"
