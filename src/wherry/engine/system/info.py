"""Puts `GET /info` together, field by field as dockerd 28 has it: pure.

Fields of what is not there (swarm, plugins, containerd) have dockerd's value for that, so that its
clients show what they show of a dockerd without it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wherry import __version__
from wherry.base.values import dataclass
from wherry.engine.containers.defaults import cgroup_namespace
from wherry.engine.containers.record import Status
from wherry.engine.settings import Settings, TransferSettings
from wherry.engine.system.support import Support
from wherry.logs.drivers import DRIVERS

RUNTIME = "wherry"
_SWARM: Mapping[str, Any] = {
    "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": False,
    "Error": "", "RemoteManagers": None,
}  # fmt: skip
_LOOPBACK = ("::1/128", "127.0.0.0/8")
_ATTACK_SURFACE = """
         Access to the remote API is equivalent to root access on the host. Refer
         to the 'Docker daemon attack surface' section in the documentation for
         more information: https://docs.docker.com/go/attack-surface/"""
_USER_INFO = re.compile(r"(?<=://)[^/@]+@")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the engine is: `id` in its 12 digits, where its data is, and where it can be reached.

    encrypted, verified: whether TCP is TLS, and whether clients need a certificate there.
    """

    id: str
    data_root: str
    hosts: Sequence[str] = ()
    encrypted: bool = False
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out for one answer; `machine` has fields of the API already."""

    statuses: Sequence[Status]
    images: int
    listeners: int
    support: Support
    machine: Mapping[str, Any]
    file_system: str
    forwarding: bool
    networking: bool
    init_binary: str
    init_commit: str
    time: str


def document(identity: Identity, settings: Settings, seen: Seen) -> dict[str, Any]:
    """Return the answer."""
    return {
        "ID": identity.id,
        **_counts(seen),
        **_storage(identity, seen),
        **_containers(settings, seen),
        **_transfers(settings.transfers),
        "Debug": settings.debug,
        "Labels": list(settings.labels),
        "IPv4Forwarding": seen.forwarding,
        "FirewallBackend": {"Driver": "nftables"},
        "ExperimentalBuild": False,
        "LiveRestoreEnabled": True,
        "Isolation": "",
        "GenericResources": None,
        "CDISpecDirs": [],
        "Swarm": _SWARM,
        "SystemTime": seen.time,
        "Warnings": warnings(identity, settings, seen) or None,
        **_pools(settings),
        **seen.support.fields(),
        **seen.machine,
    }


def _counts(seen: Seen) -> dict[str, int]:
    running, paused = (seen.statuses.count(s) for s in (Status.RUNNING, Status.PAUSED))
    return {
        "Containers": len(seen.statuses),
        "ContainersRunning": running,
        "ContainersPaused": paused,
        "ContainersStopped": len(seen.statuses) - running - paused,
        "Images": seen.images,
        "NEventsListener": seen.listeners,
    }


def _storage(identity: Identity, seen: Seen) -> dict[str, Any]:
    return {
        "Driver": "overlay2",
        "DriverStatus": [
            ["Backing Filesystem", seen.file_system],
            # Changes are always read from the upper directory.
            ["Native Overlay Diff", "true"],
        ],
        "DockerRootDir": identity.data_root,
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": list(DRIVERS),
        },
    }


def _containers(settings: Settings, seen: Seen) -> dict[str, Any]:
    absent = {"ID": "N/A"}
    return {
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if seen.support.unified else "1",
        "LoggingDriver": settings.containers.log_driver,
        "DefaultRuntime": RUNTIME,
        "Runtimes": {RUNTIME: {"path": "wherry-runtime"}},
        "RuncCommit": {"ID": __version__},
        "ContainerdCommit": absent,
        "InitBinary": seen.init_binary,
        "InitCommit": {"ID": seen.init_commit},
        "SecurityOptions": _security(settings, unified=seen.support.unified),
    }


def _security(settings: Settings, *, unified: bool) -> list[str]:
    defaults = settings.containers
    made = [f"name=seccomp,profile={defaults.seccomp_profile}"]
    if cgroup_namespace(defaults, unified=unified) == "private":
        made.append("name=cgroupns")
    if defaults.no_new_privileges:
        made.append("name=no-new-privileges")
    return made


def _transfers(settings: TransferSettings) -> dict[str, Any]:
    mirrors = [f"{mirror.rstrip('/')}/" for mirror in settings.mirrors]
    networks = [entry for entry in settings.insecure_registries if _is_network(entry)]
    hosts = [entry for entry in settings.insecure_registries if not _is_network(entry)]
    indexes = {
        name: {"Name": name, "Mirrors": [], "Secure": False, "Official": False} for name in hosts
    }
    hub = {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True}
    return {
        "RegistryConfig": {
            "InsecureRegistryCIDRs": [*_LOOPBACK, *networks],
            "IndexConfigs": {"docker.io": hub, **indexes},
            "Mirrors": mirrors,
        },
        "IndexServerAddress": "https://index.docker.io/v1/",
        "HttpProxy": without_password(settings.http_proxy),
        "HttpsProxy": without_password(settings.https_proxy),
        "NoProxy": settings.no_proxy,
    }


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return "/" in entry


def without_password(url: str) -> str:
    """Return a URL with who logs in there hidden, as Docker hides it."""
    return _USER_INFO.sub("xxxxx:xxxxx@", url)


def _pools(settings: Settings) -> dict[str, Any]:
    pools = settings.networks.address_pools
    shown = [{"Base": str(pool.base), "Size": pool.size} for pool in pools]
    return {"DefaultAddressPools": shown} if shown else {}


def warnings(identity: Identity, settings: Settings, seen: Seen) -> list[str]:
    """Return what an operator should know, in dockerd's words where it has them."""
    found = [_exposed(host, identity) for host in identity.hosts if host.startswith("tcp://")]
    found += seen.support.warnings()
    if seen.networking and not seen.forwarding:
        found.append("WARNING: IPv4 forwarding is disabled")
    if settings.containers.seccomp_profile != "builtin":
        found.append("WARNING: daemon is not using the default seccomp profile")
    return [warning for warning in found if warning]


def _exposed(host: str, identity: Identity) -> str:
    address = host.removeprefix("tcp://")
    if not identity.encrypted:
        what = f"http://{address} without encryption"
    elif not identity.verified:
        what = f"https://{address} without TLS client verification"
    else:
        return ""
    return f"WARNING: API is accessible on {what}.{_ATTACK_SURFACE}"
