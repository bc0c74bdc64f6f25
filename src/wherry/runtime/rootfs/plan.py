"""From a configuration to the operations that make its root file system: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from wherry.linux import mounts
from wherry.runtime.rootfs.operations import (
    Bind,
    Device,
    Link,
    MountFilesystem,
    Operation,
    Protect,
)
from wherry.runtime.rootfs.options import Options, parse_options

# What every container has in /dev (runtime-spec, config-linux.md, "Default Devices").
_DEVICES: Final = (
    ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9),
    ("tty", 5, 0),
)  # fmt: skip
_LINKS: Final = (
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
)


def root_options(config: Mapping[str, Any]) -> list[str] | None:
    """Return the options of the overlay that is the root; None where the root is a directory."""
    first = next(iter(config.get("mounts") or []), None)
    if first and first["destination"] == "/" and first.get("type") == "overlay":
        return list(first["options"])
    return None


def plan(config: Mapping[str, Any], cgroups: Mapping[str, str]) -> list[Operation]:
    """Return what to do below the root, in order.

    `cgroups` maps names of v1 controllers to the container's own directories, which a mount of type
    `cgroup` shows; empty on v2, where that is a file system of its own.
    """
    entries = config.get("mounts") or []
    if root_options(config) is not None:
        entries = entries[1:]
    operations: list[Operation] = []
    for entry in entries:
        operations += _mount(entry, cgroups)
    if any(entry["destination"] == "/dev" and entry.get("type") != "bind" for entry in entries):
        operations += _dev(config)
    return operations


def _mount(entry: Mapping[str, Any], cgroups: Mapping[str, str]) -> Iterator[Operation]:
    options = parse_options(entry.get("options") or [])
    target, kind = entry["destination"], entry.get("type") or ""
    source = entry.get("source") or ""
    if kind == "bind" or options.bind:
        yield Bind(source, target, options)
    elif kind == "cgroup" and cgroups:
        yield from _legacy_cgroups(target, options, cgroups)
    elif kind == "cgroup":
        yield MountFilesystem("cgroup2", "cgroup", target, Options(add=options.add))
    else:
        yield MountFilesystem(kind, source, target, options)


def _legacy_cgroups(
    target: str, options: Options, cgroups: Mapping[str, str]
) -> Iterator[Operation]:
    """Show the container's own directory of each controller, under the controller's name."""
    writable = options.add & ~mounts.MOUNT_ATTR_RDONLY
    yield MountFilesystem("tmpfs", "tmpfs", target, Options(add=writable, data=("mode=755",)))
    for name, directory in cgroups.items():
        yield Bind(directory, f"{target}/{name}", Options(add=options.add, bind=True))
    if options.add != writable:
        yield Protect(target)


def _dev(config: Mapping[str, Any]) -> Iterator[Operation]:
    named = set()
    for device in config.get("linux", {}).get("devices") or []:
        named.add(device["path"])
        yield Device(
            device["path"],
            device["type"],
            device.get("major", 0),
            device.get("minor", 0),
            device.get("fileMode", 0o666),
            device.get("uid", 0),
            device.get("gid", 0),
        )
    for name, major, minor in _DEVICES:
        if f"/dev/{name}" not in named:
            yield Device(f"/dev/{name}", "c", major, minor)
    for path, leads_to in _LINKS:
        yield Link(path, leads_to)
    yield Link("/dev/core", "/proc/kcore", needs="/proc/kcore")
