"""What a container has mounted: --volume, --mount, --tmpfs, --volumes-from and the image's volumes.

Parsing is pure and gives `Wanted`; `create` makes volumes of them. Grammar: docker's documentation
of `--volume` (source:target:options) and moby's volume/mounts/linux_parser.go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final

from wherry.base.errors import InvalidError
from wherry.engine.containers.record import Container, MountPoint
from wherry.wire.container_config import Config, HostConfig, Mount

_PROPAGATION: Final = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
_LABELS: Final = frozenset({"z", "Z", "delegated", "cached", "consistent"})
_BINDS_BACK: Final = ("ro", "rw")


def wanted(config: Config, host: HostConfig, find: Callable[[str], Container]) -> list[MountPoint]:
    """Return all mount points, without names for anonymous volumes; one for each destination.

    An explicit mount wins over one taken from another container, which wins over the image's.
    """
    points: dict[str, MountPoint] = {}
    for given in host.volumes_from or ():
        for point in _from_container(given, find):
            points[point.destination] = point
    explicit = [parse_bind(text) for text in host.binds or ()]
    explicit += [parse_mount(mount) for mount in host.mounts or ()]
    explicit += [_tmpfs(path, options) for path, options in (host.tmpfs or {}).items()]
    _refuse_twice(explicit)
    points |= {point.destination: point for point in explicit}
    for path in config.volumes or ():
        destination = _destination(path)
        if destination not in points:
            points[destination] = MountPoint("volume", destination, driver="local", anonymous=True)
    return list(points.values())


def _refuse_twice(points: Iterable[MountPoint]) -> None:
    seen = set()
    for point in points:
        if point.destination in seen:
            raise InvalidError(f"Duplicate mount point: {point.destination}")
        seen.add(point.destination)


def _destination(path: str) -> str:
    if not path.startswith("/"):
        raise InvalidError(f"invalid mount path: '{path}' mount path must be absolute")
    cleaned = os.path.normpath(path)
    cleaned = "/" + cleaned.lstrip("/")
    if cleaned == "/":
        raise InvalidError("invalid specification: destination can't be '/'")
    return cleaned


def parse_bind(text: str) -> MountPoint:
    """Parse `[source:]target[:options]`."""
    parts = text.split(":")
    if len(parts) == 1:
        return MountPoint("volume", _destination(parts[0]), driver="local", anonymous=True)
    if len(parts) > 3 or not all(parts[:2]):
        raise InvalidError(f"invalid volume specification: '{text}'")
    source, target = parts[0], parts[1]
    mode = parts[2] if len(parts) == 3 else ""
    words = [word for word in mode.split(",") if word]
    unknown = set(words) - _PROPAGATION - _LABELS - {"ro", "rw", "nocopy"}
    if unknown or (len(parts) == 3 and not words):
        raise InvalidError(f"invalid mode: {mode}")
    propagation = next((word for word in words if word in _PROPAGATION), "")
    writable = "ro" not in words
    if source.startswith("/"):
        return MountPoint(
            "bind", _destination(target), source=_clean(source),
            propagation=propagation or "rprivate", options=["create"], mode=mode,
            read_write=writable,
        )  # fmt: skip
    if propagation:
        raise InvalidError(f"invalid mode: {mode}")
    return MountPoint(
        "volume", _destination(target), name=_volume_name(source), driver="local",
        no_copy="nocopy" in words, mode=mode, read_write=writable,
    )  # fmt: skip


def _clean(source: str) -> str:
    return os.path.normpath(source) if source != "/" else "/"


def _volume_name(name: str) -> str:
    allowed = all(c.isalnum() or c in "_.-" for c in name) and name.isascii()
    if len(name) < 2 or not allowed or not name[0].isalnum():
        raise InvalidError(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only'
            ' "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory,'
            " use absolute path"
        )
    return name


def parse_mount(mount: Mount) -> MountPoint:
    """Check an entry of `--mount`."""
    destination = _destination(mount.target)
    writable = not mount.read_only
    if mount.type == "bind":
        if not mount.source.startswith("/"):
            raise InvalidError(
                f"invalid mount config for type \"bind\": invalid mount path: '{mount.source}'"
                " mount path must be absolute"
            )
        options = mount.bind_options
        create = ["create"] if options and options.create_mountpoint else []
        propagation = (options.propagation if options else "") or "rprivate"
        return MountPoint(
            "bind", destination, source=_clean(mount.source), propagation=propagation,
            options=create, read_write=writable,
        )  # fmt: skip
    if mount.type == "volume":
        chosen = mount.volume_options
        return MountPoint(
            "volume", destination, name=_volume_name(mount.source) if mount.source else "",
            driver="local", anonymous=not mount.source,
            no_copy=bool(chosen and chosen.no_copy), mode="z", read_write=writable,
        )  # fmt: skip
    if mount.type == "tmpfs":
        return _tmpfs_mount(mount, destination)
    raise InvalidError(f"mount type unknown or not supported: {mount.type!r}")


def _tmpfs_mount(mount: Mount, destination: str) -> MountPoint:
    options = []
    if mount.tmpfs_options and mount.tmpfs_options.size_bytes:
        options.append(f"size={mount.tmpfs_options.size_bytes}")
    if mount.tmpfs_options and mount.tmpfs_options.mode:
        options.append(f"mode={mount.tmpfs_options.mode:o}")
    if mount.read_only:
        options.append("ro")
    return MountPoint("tmpfs", destination, read_write=not mount.read_only, options=options)


def _tmpfs(path: str, options: str) -> MountPoint:
    words = [word for word in options.split(",") if word]
    return MountPoint("tmpfs", _destination(path), read_write="ro" not in words, options=words)


def _from_container(text: str, find: Callable[[str], Container]) -> list[MountPoint]:
    name, _, mode = text.partition(":")
    if mode and mode not in _BINDS_BACK:
        raise InvalidError(f"invalid mode: {mode}")
    taken = []
    for point in find(name).mounts:
        if point.type == "tmpfs":
            continue
        writable = point.read_write and mode != "ro"
        taken.append(
            MountPoint(
                point.type,
                point.destination,
                source=point.source,
                name=point.name,
                driver=point.driver,
                mode=mode,
                read_write=writable,
                no_copy=True,
                propagation=point.propagation,
                options=list(point.options),
            )
        )
    return taken
