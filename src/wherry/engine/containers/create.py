"""Create a container: a record and directories. Nothing of the kernel is touched.

What was made is undone when a later step fails; what a crash leaves (a directory without a record,
a volume without a user) is found and removed at the next start.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from typing import Any

import msgspec

from wherry.base.crossing import begin_in_thread, in_thread
from wherry.base.errors import InvalidError, NotFoundError, UnsupportedError
from wherry.base.ids import ContainerId, new_id
from wherry.base.values import dataclass, field
from wherry.engine.containers import directories, mount_points
from wherry.engine.containers.defaults import filled_in
from wherry.engine.containers.names import check_name, draw_name
from wherry.engine.containers.ports import Images, Sandboxes, Volumes
from wherry.engine.containers.record import Container, MountPoint, State
from wherry.engine.containers.table import ContainerTable, NameInUseError
from wherry.engine.events import Events
from wherry.engine.settings import Live
from wherry.engine.spec import capabilities, environment, resources, security
from wherry.oci.environment import merge
from wherry.oci.image import Healthcheck, ImageRunConfig
from wherry.oci.platform import format_platform, parse_platform, platform_of, rank
from wherry.oci.signals import parse_signal
from wherry.runtime import cgroups
from wherry.runtime.cgroups.hierarchy import hierarchy
from wherry.store.snapshots import SnapshotStore
from wherry.wire.container_config import Config, HostConfig, NetworkingConfig

BUILT_IN_RUNTIME = "wherry"
_SHORTEST_HEALTH_NS = 1_000_000
_RESTART_POLICIES = ("", "no", "always", "unless-stopped", "on-failure")


@dataclass(frozen=True, slots=True)
class CreatedContainer:
    """The id of a new container, and what its user should know."""

    id: ContainerId
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CreateContainer:
    """The verb; see the module."""

    table: ContainerTable
    images: Images
    snapshots: SnapshotStore
    volumes: Volumes
    sandboxes: Sandboxes
    events: Events
    live: Live = field(default_factory=Live)

    async def __call__(
        self,
        name: str | None,
        config: Config,
        host: HostConfig,
        networking: NetworkingConfig | None,
        platform: str | None,
    ) -> CreatedContainer:
        """Create a container and return its id. Raises errors in Docker's words."""
        # Most containers are started as soon as they are made.
        begin_in_thread(cgroups.anticipate)
        if name:
            name = check_name(name)
            if name in self.table:
                raise NameInUseError(name, self.table.find(name).id)
        image = await in_thread(self.images.resolve, config.image)
        _check_platform(image, platform, config.image)
        config = _merge(config, image.config.config or ImageRunConfig())
        _check(config, host)
        unified = hierarchy().is_unified
        host = filled_in(host, self.live.current.containers, unified=unified)
        record = self._record(name, config, host, image)
        try:
            self.sandboxes.check(record, networking)
            points = mount_points.wanted(config, host, self.table.find)
        except NotFoundError as error:
            # What clients take for a missing image, which they then pull, in vain.
            raise InvalidError(str(error)) from error
        async with contextlib.AsyncExitStack() as undo:
            record.mounts = [await self._resolve_mount(point, undo) for point in points]
            undo.push_async_callback(in_thread, self.snapshots.remove, record.id)
            await in_thread(directories.make, self.snapshots, record)
            for point in record.mounts:
                if point.type == "volume" and not point.no_copy:
                    await self.volumes.copy_up(point.name, record.layers, point.destination)
            # Drawn at the last moment: others may have been given names meanwhile.
            record.name = name or draw_name(self.table, random.choice)
            self.table.insert(record)
            undo.pop_all()
        attributes = container_attributes(record)
        self.events.emit("container", "create", record.id, attributes)
        return CreatedContainer(record.id)

    def _record(self, name: str | None, config: Config, host: HostConfig, image: Any) -> Container:
        line = environment.command(
            environment.words(config.entrypoint), environment.words(config.cmd)
        )
        host.network_mode = host.network_mode or "default"
        identifier = ContainerId(new_id())
        if not config.hostname and host.network_mode != "host":
            config.hostname = identifier[:12]
        return Container(
            id=identifier,
            name=name or "",
            created=time.time_ns(),
            config=config,
            host_config=host,
            image_id=image.id,
            image_name=config.image,
            path=line[0],
            args=line[1:],
            state=State(),
            layers=list(image.config.rootfs.diff_ids),
        )

    async def _resolve_mount(
        self, point: MountPoint, undo: contextlib.AsyncExitStack
    ) -> MountPoint:
        if point.type == "bind":
            await in_thread(_prepare_bind, point)
            options = [word for word in point.options if word != "create"]
            return msgspec.structs.replace(point, options=options)
        if point.type != "volume":
            return point
        name = point.name or new_id()
        source = await self.volumes.ensure(name, anonymous=point.anonymous)
        if point.anonymous:
            undo.push_async_callback(self.volumes.remove_anonymous, name)
        return msgspec.structs.replace(point, name=name, source=source)


def _prepare_bind(point: MountPoint) -> None:
    """A missing source is made for --volume, and refused for --mount."""
    if os.path.lexists(point.source):
        return
    if "create" not in point.options:
        raise InvalidError(
            f'invalid mount config for type "bind": bind source path does not exist: {point.source}'
        )
    os.makedirs(point.source, 0o755, exist_ok=True)


def _check_platform(image: Any, platform: str | None, name: str) -> None:
    if not platform:
        return
    wanted = parse_platform(platform)
    offered = platform_of(image.config)
    if rank(offered, wanted) is None:
        raise NotFoundError(
            f"image with reference {name} was found but does not match the specified platform:"
            f" wanted {format_platform(wanted)}, actual: {format_platform(offered)}"
        )


def _merge(config: Config, image: ImageRunConfig) -> Config:
    """Fill in what the image says where the user said nothing (moby, runconfig merge)."""
    entrypoint = environment.words(config.entrypoint)
    cmd = environment.words(config.cmd)
    given = config.entrypoint is not None and entrypoint not in ([], [""])
    reset = config.entrypoint is not None and entrypoint == [""]
    if not given:
        if not reset and not cmd:
            cmd = list(image.cmd or ())
        entrypoint = [] if reset else list(image.entrypoint or ())
        if reset and not cmd:
            cmd = list(image.cmd or ())
    return msgspec.structs.replace(
        config,
        entrypoint=entrypoint or None,
        cmd=cmd or None,
        env=merge(image.env or (), config.env or ()),
        user=config.user or image.user,
        working_dir=_directory(config.working_dir or image.working_dir),
        labels={**(image.labels or {}), **(config.labels or {})},
        exposed_ports={**(image.exposed_ports or {}), **(config.exposed_ports or {})} or None,
        volumes={**(image.volumes or {}), **(config.volumes or {})} or None,
        stop_signal=config.stop_signal or image.stop_signal or None,
        stop_timeout=config.stop_timeout if config.stop_timeout is not None else image.stop_timeout,
        shell=config.shell or image.shell,
        healthcheck=config.healthcheck or image.healthcheck,
        on_build=config.on_build or image.on_build,
    )


def _directory(path: str) -> str:
    if path and not path.startswith("/"):
        raise InvalidError(
            f"the working directory '{path}' is invalid, it needs to be an absolute path"
        )
    return os.path.normpath(path) if path else ""


def _check(config: Config, host: HostConfig) -> None:
    resources.check(host, os.cpu_count() or 1)
    capabilities.normalise(host.cap_add)
    capabilities.normalise(host.cap_drop)
    security.parse(host.security_opt)
    security.check_user_namespace(host.userns_mode)
    security.check_sysctls(
        host.sysctls,
        host_network=host.network_mode == "host",
        host_ipc=host.ipc_mode == "host",
    )
    _check_modes(host)
    if config.healthcheck is not None:
        _check_health(config.healthcheck)
    if config.stop_signal:
        parse_signal(config.stop_signal)
    policy = host.restart_policy
    if policy.name not in _RESTART_POLICIES:
        raise InvalidError(f"invalid restart policy '{policy.name}'")
    if policy.maximum_retry_count and policy.name != "on-failure":
        raise InvalidError(
            f"maximum retry count cannot be used with restart policy '{policy.name or 'no'}'"
        )
    if host.auto_remove and policy.name not in ("", "no"):
        raise InvalidError("can't create 'AutoRemove' container with restart policy")
    _check_support(host)
    if host.runtime not in ("", BUILT_IN_RUNTIME):
        raise InvalidError(
            f"unknown or invalid runtime name: {host.runtime}: there is only {BUILT_IN_RUNTIME}"
        )


def _check_support(host: HostConfig) -> None:
    """Refuse what would be missed later: a limit that limits nothing, a device that is absent."""
    if host.storage_opt:
        raise UnsupportedError(
            "the size of a container's own layer cannot be limited: leave --storage-opt out"
        )
    for wanted in host.device_requests or ():
        raise UnsupportedError(
            f'could not select device driver "{wanted.driver}" with capabilities:'
            f" {json.dumps(wanted.capabilities or [])}: give the device itself with --device"
        )


def _check_modes(host: HostConfig) -> None:
    """Refuse what a namespace cannot be. Sharing another container's is for networks only."""
    known = {
        "ipc": (host.ipc_mode, ("", "private", "shareable", "host")),
        "pid": (host.pid_mode, ("", "host")),
        "uts": (host.uts_mode, ("", "host")),
        "cgroup namespace": (host.cgroupns_mode, ("", "private", "host")),
    }
    for name, (mode, modes) in known.items():
        if mode.startswith("container:"):
            raise UnsupportedError(f"{name} mode {mode} is not supported: share it with the host")
        if mode not in modes:
            raise InvalidError(f"invalid {name} mode: {mode}")


def _check_health(check: Healthcheck) -> None:
    """Refuse a health check that makes no sense, though none is run yet."""
    for name in ("interval", "timeout", "start_period", "start_interval"):
        value = getattr(check, name)
        if value and value < _SHORTEST_HEALTH_NS:
            raise InvalidError(f"{name} in Healthcheck cannot be less than 1ms")
    if check.retries < 0:
        raise InvalidError("Retries in Healthcheck cannot be negative")


def container_attributes(record: Container, **more: str) -> dict[str, str]:
    """Return what events say of a container: its labels, image and name."""
    labels = record.config.labels or {}
    return {**labels, **more, "image": record.image_name, "name": record.name}
