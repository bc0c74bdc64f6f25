"""What a container gets that asked for nothing: the engine's settings, put into its record or not.

As in dockerd, some defaults are written down when a container is created and stay its own (shared
memory, IPC and cgroup namespace, logging); the others are looked up at each start, so that a new
setting acts on old containers, too (see `effective`).
"""

from __future__ import annotations

import msgspec

from wherry.engine.settings import ContainerDefaults
from wherry.engine.spec.mounts import SHM_BYTES
from wherry.logs import drivers
from wherry.wire.container_config import HostConfig, LogConfig, Ulimit


def filled_in(host: HostConfig, defaults: ContainerDefaults, *, unified: bool) -> HostConfig:
    """Return what a new container has written down; `unified` tells whether cgroups are v2.

    Raises InvalidError for logging that there is not.
    """
    return msgspec.structs.replace(
        _with_namespaces(host, defaults, unified=unified),
        log_config=logging_of(host.log_config, defaults),
        security_opt=_labelled(host),
    )


def _labelled(host: HostConfig) -> list[str] | None:
    """Return the security options; who shares with the host is shown without labels (moby)."""
    shared = host.privileged or "host" in (host.ipc_mode, host.pid_mode)
    given = host.security_opt or []
    if not shared or any(option.startswith(("label=", "label:")) for option in given):
        return host.security_opt
    return [*given, "label=disable"]


def _with_namespaces(host: HostConfig, defaults: ContainerDefaults, *, unified: bool) -> HostConfig:
    # A privileged container of v1 sees the host's cgroups, as before there were namespaces of them.
    shared = host.privileged and not unified
    cgroups = "host" if shared else cgroup_namespace(defaults, unified=unified)
    return msgspec.structs.replace(
        host,
        shm_size=host.shm_size or defaults.shm_bytes or SHM_BYTES,
        ipc_mode=host.ipc_mode or defaults.ipc_mode,
        cgroupns_mode=host.cgroupns_mode or cgroups,
    )


def cgroup_namespace(defaults: ContainerDefaults, *, unified: bool) -> str:
    """Return the default mode of cgroup namespaces: private on v2, the host's on v1."""
    return defaults.cgroupns_mode or ("private" if unified else "host")


def logging_of(chosen: LogConfig, defaults: ContainerDefaults) -> LogConfig:
    """Return a container's logging; the default options are for the default driver alone.

    Raises InvalidError for a driver or options that there are not.
    """
    driver = chosen.type or defaults.log_driver
    options = dict(chosen.config or {})
    if driver == defaults.log_driver:
        options = {**defaults.log_options, **options}
    drivers.check(driver, options)
    return LogConfig(driver, options)


def effective(host: HostConfig, defaults: ContainerDefaults, *, unified: bool) -> HostConfig:
    """Return what a container starts with: its own configuration, then the settings.

    `init` is a decision now. What a container has written down is there already; a build's step has
    not.
    """
    wanted = defaults.init if host.init is None else host.init
    return msgspec.structs.replace(
        _with_namespaces(host, defaults, unified=unified),
        ulimits=limits(host, defaults),
        # In the host's PID namespace it would be nobody's first process.
        init=wanted and host.pid_mode != "host",
        cgroup_parent=host.cgroup_parent or defaults.cgroup_parent,
    )


def limits(host: HostConfig, defaults: ContainerDefaults) -> list[Ulimit] | None:
    """Return the limits of processes: the container's own, then those of the settings."""
    own = {limit.name for limit in host.ulimits or ()}
    added = [
        Ulimit(name, soft, hard)
        for name, (soft, hard) in defaults.ulimits.items()
        if name not in own
    ]
    return [*(host.ulimits or ()), *added] if added else host.ulimits
