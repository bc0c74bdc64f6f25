"""Puts the runtime-spec document of a container together: pure.

What it needs of the world (the user's number, devices, the kernel's last capability) is in `Facts`.
The seccomp filter is compiled apart and not in the document that the built-in runtime gets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from wherry.base.values import dataclass, field
from wherry.engine.containers.record import Container
from wherry.engine.spec import capabilities, environment, mounts, security
from wherry.engine.spec.resources import resources
from wherry.oci.environment import merge
from wherry.oci.users import Identity
from wherry.store.snapshots import MountSpec

VERSION: Final = "1.1.0"
INIT_PATH: Final = "/sbin/docker-init"
_NAMESPACES: Final = ("mount", "uts", "ipc", "pid", "network", "cgroup")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the document depends on besides the record; `mounts` are entries of its mount table."""

    directory: str
    root: Sequence[MountSpec]
    identity: Identity
    cgroups_path: str
    hostname: str
    capabilities: Collection[int]
    devices: Sequence[dict[str, Any]] = field(default_factory=list)
    disk_numbers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    mounts: Sequence[Mapping[str, Any]] = ()
    init: str = ""
    security: security.SecurityOptions = security.USUAL
    # Limits (soft, hard) of open files for those who ask for none; the engine has raised its own.
    open_files: tuple[int, int] | None = None


def container_spec(record: Container, facts: Facts) -> dict[str, Any]:
    """Return the content of `config.json`."""
    config, host = record.config, record.host_config
    options = security.parse(host.security_opt, facts.security)
    return {
        "ociVersion": VERSION,
        "process": process(record, facts, options),
        "root": {"path": "rootfs", "readonly": host.readonly_rootfs},
        **({} if host.uts_mode == "host" else {"hostname": facts.hostname}),
        **({"domainname": config.domainname} if config.domainname else {}),
        "mounts": _mounts(record, facts),
        "linux": _linux(record, facts, options),
    }


def process(record: Container, facts: Facts, options: security.SecurityOptions) -> dict[str, Any]:
    """Return the `process` object of the container's first process."""
    config, host = record.config, record.host_config
    names = capabilities.effective(
        host.cap_add, host.cap_drop, privileged=host.privileged, available=facts.capabilities
    )
    arguments = [record.path, *record.args]
    if facts.init:
        arguments = [INIT_PATH, "--", *arguments]
    made = merge(environment.base(facts.hostname, tty=config.tty), config.env or [])
    described: dict[str, Any] = {
        "terminal": config.tty,
        "user": user(facts.identity),
        "args": arguments,
        "env": environment.with_home(made, facts.identity.home),
        "cwd": config.working_dir or "/",
        "capabilities": capability_sets(names, facts.identity.uid),
        "noNewPrivileges": options.no_new_privileges,
        "oomScoreAdj": host.oom_score_adj,
        "rlimits": _limits(record, facts),
    }
    if config.tty and host.console_size and any(host.console_size):
        height, width = host.console_size[:2]
        described["consoleSize"] = {"height": height, "width": width}
    return described


def _limits(record: Container, facts: Facts) -> list[dict[str, Any]]:
    limits = {
        limit.name.lower(): (limit.soft, limit.hard) for limit in record.host_config.ulimits or ()
    }
    if facts.open_files is not None:
        limits.setdefault("nofile", facts.open_files)
    return [
        {"type": f"RLIMIT_{name.upper()}", "soft": soft, "hard": hard}
        for name, (soft, hard) in limits.items()
    ]


def user(identity: Identity) -> dict[str, Any]:
    """Return the `user` object."""
    return {"uid": identity.uid, "gid": identity.gid, "additionalGids": list(identity.groups)}


def capability_sets(names: Sequence[str], uid: int) -> dict[str, list[str]]:
    """Return the sets: only root starts with them in effect, others can get them by an exec."""
    held = list(names) if uid == 0 else []
    return {"bounding": list(names), "effective": held, "permitted": held}


def _mounts(record: Container, facts: Facts) -> list[Mapping[str, Any]]:
    host = record.host_config
    root = [
        {"destination": "/", "type": m.type, "source": m.source, "options": m.options}
        for m in facts.root
    ]
    defaults = mounts.default_mounts(
        privileged=host.privileged, shm_bytes=host.shm_size, host_ipc=host.ipc_mode == "host"
    )
    files = mounts.file_mounts(facts.directory, read_only=host.readonly_rootfs)
    wanted = mounts.by_depth([*map(mounts.user_mount, record.mounts), *facts.mounts])
    defaults = mounts.without_overridden([*defaults, *files], wanted)
    init = []
    if facts.init:
        options = ["bind", "ro"]
        bind = {"destination": INIT_PATH, "type": "bind", "source": facts.init, "options": options}
        init.append(bind)
    return [*root, *defaults, *init, *wanted]


def _linux(record: Container, facts: Facts, options: security.SecurityOptions) -> dict[str, Any]:
    host = record.host_config
    open_paths = host.privileged or options.unmasked
    masked = mounts.MASKED if host.masked_paths is None else host.masked_paths
    read_only = mounts.READ_ONLY if host.readonly_paths is None else host.readonly_paths
    return {
        "cgroupsPath": facts.cgroups_path,
        "namespaces": _namespaces(record),
        "resources": resources(host, facts.devices, facts.disk_numbers),
        "devices": [
            {key: value for key, value in device.items() if key != "access"}
            for device in facts.devices
        ],
        "sysctl": _sysctls(record),
        "maskedPaths": [] if open_paths else list(masked),
        "readonlyPaths": [] if open_paths else list(read_only),
    }


def _namespaces(record: Container) -> list[Mapping[str, str]]:
    """All but those that the container shares with the host."""
    host = record.host_config
    shared = {
        "uts": host.uts_mode == "host",
        "ipc": host.ipc_mode == "host",
        "pid": host.pid_mode == "host",
        "network": host.network_mode == "host",
        "cgroup": host.cgroupns_mode == "host",
    }
    return [{"type": kind} for kind in _NAMESPACES if not shared.get(kind)]


def _sysctls(record: Container) -> dict[str, str]:
    host = record.host_config
    return security.check_sysctls(
        host.sysctls,
        host_network=host.network_mode == "host",
        host_ipc=host.ipc_mode == "host",
    )
