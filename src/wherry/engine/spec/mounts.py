"""The mount table of a container: Docker's defaults, then binds, volumes and tmpfs by depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wherry.engine.containers.record import MountPoint

_SAFE: Final = ["nosuid", "noexec", "nodev"]
SHM_BYTES: Final = 64 << 20

MASKED: Final = (
    "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
)  # fmt: skip
READ_ONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def _mount(destination: str, kind: str, options: Sequence[str], source: str = "") -> dict[str, Any]:
    return {
        "destination": destination,
        "type": kind,
        "source": source or kind,
        "options": list(options),
    }


def default_mounts(*, privileged: bool, shm_bytes: int, host_ipc: bool) -> list[dict[str, Any]]:
    """Return what every container has mounted."""
    write = [] if privileged else ["ro"]
    mounts = [
        _mount("/proc", "proc", _SAFE),
        _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount(
            "/dev/pts",
            "devpts",
            ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        _mount("/sys", "sysfs", [*_SAFE, *write]),
        _mount("/sys/fs/cgroup", "cgroup", [*_SAFE, *write]),
        _mount("/dev/mqueue", "mqueue", _SAFE),
    ]
    if host_ipc:
        mounts.append(_mount("/dev/shm", "bind", ["rbind", *_SAFE], "/dev/shm"))
    else:
        size = shm_bytes or SHM_BYTES
        options = [*_SAFE, "mode=1777", f"size={size}"]
        mounts.append(_mount("/dev/shm", "tmpfs", options, "shm"))
    return mounts


def file_mounts(directory: str, *, read_only: bool) -> list[dict[str, Any]]:
    """Return the files of /etc that the engine writes, kept in the container's directory."""
    options = ["rbind", "rprivate", *(["ro"] if read_only else [])]
    return [
        _mount(f"/etc/{name}", "bind", options, f"{directory}/{name}")
        for name in ("resolv.conf", "hostname", "hosts")
    ]


def by_depth(mounts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return mounts in such an order that those that contain others come first."""
    return sorted(mounts, key=lambda mount: mount["destination"].rstrip("/").count("/"))


def user_mount(point: MountPoint) -> dict[str, Any]:
    """Return the mount of a bind, volume or tmpfs."""
    if point.type == "tmpfs":
        options = ["noexec", "nosuid", "nodev", *point.options]
        return _mount(point.destination, "tmpfs", _last_of_each(options), "tmpfs")
    options = ["rbind", point.propagation or "rprivate", *point.options]
    if not point.read_write:
        options.append("ro")
    return _mount(point.destination, "bind", options, point.source)


def _last_of_each(options: Sequence[str]) -> list[str]:
    """Drop a default that a later word takes back, such as noexec by exec."""
    opposite = {"exec": "noexec", "suid": "nosuid", "dev": "nodev"}
    taken_back = {opposite[word] for word in options if word in opposite}
    return [word for word in options if word not in taken_back and word not in opposite]


def without_overridden(
    defaults: Sequence[dict[str, Any]], wanted: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Leave out defaults that another mount takes the place of."""
    taken = {mount["destination"].rstrip("/") for mount in wanted}
    kept = []
    for mount in defaults:
        destination = mount["destination"]
        below_taken_dev = "/dev" in taken and destination.startswith("/dev/")
        if destination not in taken and not below_taken_dev:
            kept.append(mount)
    return kept
