"""A configuration becomes a list of operations."""

from __future__ import annotations

from typing import Any

from wherry.linux import mounts
from wherry.runtime.rootfs.operations import (
    Bind,
    Device,
    Link,
    MountFilesystem,
    Protect,
)
from wherry.runtime.rootfs.options import Options
from wherry.runtime.rootfs.plan import plan, root_options


def mount(destination: str, kind: str, source: str = "", *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def test_an_overlay_root_is_taken_out() -> None:
    root = mount("/", "overlay", "overlay", "lowerdir=/a:/b", "upperdir=/u")
    config = {"mounts": [root, mount("/proc", "proc", "proc")]}
    assert root_options(config) == ["lowerdir=/a:/b", "upperdir=/u"]
    assert [operation.describe() for operation in plan(config, {})] == [
        'mounting "proc" (proc) at "/proc"'
    ]


def test_a_root_that_is_a_directory() -> None:
    assert root_options({}) is None
    assert root_options({"mounts": [mount("/proc", "proc")]}) is None
    assert plan({}, {}) == []


def test_mounts_keep_their_order() -> None:
    config = {
        "mounts": [
            mount("/data", "", "/srv/data", "rbind", "ro"),
            mount("/data/inner", "bind", "/srv/inner"),
            mount("/run", "tmpfs", "tmpfs", "size=1m", "nosuid"),
        ]
    }
    assert plan(config, {}) == [
        Bind("/srv/data", "/data", Options(add=1, bind=True, bind_recursive=True)),
        Bind("/srv/inner", "/data/inner", Options()),
        MountFilesystem("tmpfs", "tmpfs", "/run", Options(add=2, data=("size=1m",))),
    ]


def test_dev_gets_its_devices_and_links() -> None:
    operations = plan({"mounts": [mount("/dev", "tmpfs", "tmpfs")]}, {})
    devices = {op.path: (op.major, op.minor) for op in operations if isinstance(op, Device)}
    assert devices == {
        "/dev/null": (1, 3), "/dev/zero": (1, 5), "/dev/full": (1, 7), "/dev/random": (1, 8),
        "/dev/urandom": (1, 9), "/dev/tty": (5, 0),
    }  # fmt: skip
    links = {op.path: op.leads_to for op in operations if isinstance(op, Link)}
    assert links["/dev/ptmx"] == "pts/ptmx"
    assert links["/dev/stdin"] == "/proc/self/fd/0"


def test_a_bound_dev_is_left_alone() -> None:
    assert len(plan({"mounts": [mount("/dev", "bind", "/dev", "rbind")]}, {})) == 1


def test_devices_of_the_configuration_come_first() -> None:
    device = {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 5}
    config = {"mounts": [mount("/dev", "tmpfs")], "linux": {"devices": [device]}}
    found = [operation for operation in plan(config, {}) if isinstance(operation, Device)]
    assert found[0] == Device("/dev/null", "c", 1, 3, 0o600, 5, 0)
    assert [operation.path for operation in found].count("/dev/null") == 1


def test_cgroups_of_the_legacy_kind_show_the_own_directories() -> None:
    config = {"mounts": [mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro", "nosuid")]}
    own = {"cpu": "/sys/fs/cgroup/cpu/x", "memory": "/sys/fs/cgroup/memory/x"}
    assert plan(config, own) == [
        MountFilesystem("tmpfs", "tmpfs", "/sys/fs/cgroup", Options(add=2, data=("mode=755",))),
        Bind(own["cpu"], "/sys/fs/cgroup/cpu", Options(add=3, bind=True)),
        Bind(own["memory"], "/sys/fs/cgroup/memory", Options(add=3, bind=True)),
        Protect("/sys/fs/cgroup"),
    ]


def test_cgroups_of_the_unified_kind_are_a_file_system() -> None:
    config = {"mounts": [mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro", "relatime")]}
    assert plan(config, {}) == [
        MountFilesystem(
            "cgroup2", "cgroup", "/sys/fs/cgroup", Options(add=mounts.MOUNT_ATTR_RDONLY)
        )
    ]
