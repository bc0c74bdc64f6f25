"""Version, info, disk usage, events, and checking credentials: in the API's own shapes."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

import wherry
from wherry.base.crossing import in_thread
from wherry.base.values import dataclass
from wherry.engine.containers.record import Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Event, Events
from wherry.runtime.cgroups.hierarchy import hierarchy
from wherry.store.store import Store
from wherry.wire.requests import AuthConfig

API_VERSION: Final = "1.51"
MIN_API_VERSION: Final = "1.24"
# What clients compare: the release of Docker whose API this engine speaks.
SERVER_VERSION: Final = "28.5.0"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the engine is: `id` in its 12 digits, and how it was configured."""

    id: str
    data_root: str
    debug: bool = False
    insecure_registries: Sequence[str] = ()
    mirrors: Sequence[str] = ()
    started_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Bytes: of all layers together, and by image what it shares with others."""

    layers: int
    shared: Mapping[str, int]


class System:
    """The verbs of the engine itself."""

    def __init__(
        self,
        identity: Identity,
        store: Store,
        table: ContainerTable,
        events: Events,
        check_credentials: Callable[[AuthConfig], Awaitable[str]],
    ) -> None:
        self._identity = identity
        self._store = store
        self._table = table
        self._events = events
        self._check_credentials = check_credentials

    async def version(self) -> Mapping[str, Any]:
        """Return GET /version."""
        kernel = os.uname().release
        details = {
            "ApiVersion": API_VERSION,
            "MinAPIVersion": MIN_API_VERSION,
            "Arch": architecture(),
            "Os": "linux",
            "KernelVersion": kernel,
            "Experimental": "false",
            "GitCommit": "",
            "GoVersion": "",
            "BuildTime": "",
        }
        engine = {"Name": "Engine", "Version": SERVER_VERSION, "Details": details}
        own = {"Name": "wherry", "Version": wherry.__version__, "Details": {}}
        return {
            "Platform": {"Name": f"wherry {wherry.__version__}"},
            "Components": [engine, own],
            "Version": SERVER_VERSION,
            "ApiVersion": API_VERSION,
            "MinAPIVersion": MIN_API_VERSION,
            "GitCommit": "",
            "GoVersion": "",
            "Os": "linux",
            "Arch": architecture(),
            "KernelVersion": kernel,
            "BuildTime": "",
        }

    async def info(self) -> Mapping[str, Any]:
        """Return GET /info."""
        statuses = [record.state.status for record in self._table]
        running = statuses.count(Status.RUNNING)
        paused = statuses.count(Status.PAUSED)
        images = await in_thread(self._store.images.list)
        unified = hierarchy().is_unified
        return {
            "ID": self._identity.id,
            "Containers": len(statuses),
            "ContainersRunning": running,
            "ContainersPaused": paused,
            "ContainersStopped": len(statuses) - running - paused,
            "Images": len(images),
            "Driver": "overlay2",
            "DriverStatus": [["Backing Filesystem", "overlayfs"], ["Native Overlay Diff", "true"]],
            "Plugins": {
                "Volume": ["local"],
                "Network": ["bridge", "host", "null"],
                "Authorization": None,
                "Log": ["json-file", "none"],
            },
            "CgroupDriver": "cgroupfs",
            "CgroupVersion": "2" if unified else "1",
            "LoggingDriver": "json-file",
            "NEventsListener": 0,
            "DefaultRuntime": "wherry",
            "Runtimes": {"wherry": {"path": "wherry-runtime"}},
            "InitBinary": "docker-init",
            "SecurityOptions": ["name=seccomp,profile=builtin"],
            "DockerRootDir": self._identity.data_root,
            "Debug": self._identity.debug,
            "RegistryConfig": self._registry_config(),
            "IndexServerAddress": "https://index.docker.io/v1/",
            "Name": os.uname().nodename,
            "Labels": [],
            "ExperimentalBuild": False,
            "LiveRestoreEnabled": True,
            "Swarm": {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive",
                      "ControlAvailable": False, "Error": "", "RemoteManagers": None},
            "Warnings": None,
            "SystemTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **_limits(),
            **_machine(),
        }  # fmt: skip

    def _registry_config(self) -> Mapping[str, Any]:
        mirrors = list(self._identity.mirrors)
        index = {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True}
        others = {
            name: {"Name": name, "Mirrors": [], "Secure": False, "Official": False}
            for name in self._identity.insecure_registries
        }
        return {
            "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
            "IndexConfigs": {"docker.io": index, **others},
            "Mirrors": mirrors,
        }

    async def disk_usage(self) -> DiskUsage:
        """Return what the store takes, beside what images, containers and volumes say of it."""
        return await in_thread(self._disk_usage)

    def _disk_usage(self) -> DiskUsage:
        images = self._store.images.list()
        uses = Counter(diff_id for image in images for diff_id in set(image.diff_ids))
        shared = {
            str(image.id): sum(
                self._store.layers.get(diff_id).size
                for diff_id in image.diff_ids
                if uses[diff_id] > 1
            )
            for image in images
        }
        return DiskUsage(self._store.usage().layers, shared)

    async def auth(self, credentials: AuthConfig) -> str:
        """Check credentials with their registry; returns an identity token, empty without one."""
        return await self._check_credentials(credentials)

    def events(
        self, since: int | None, until: int | None, filters: Mapping[str, list[str]]
    ) -> AsyncIterator[Event]:
        """Stream events."""
        return self._events.stream(since, until, filters)


def architecture() -> str:
    """Return this machine's architecture in Go's words."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def _limits() -> Mapping[str, Any]:
    names = (
        "MemoryLimit SwapLimit KernelMemoryTCP CpuCfsPeriod CpuCfsQuota CPUShares CPUSet PidsLimit"
        " IPv4Forwarding BridgeNfIptables BridgeNfIp6tables OomKillDisable"
    )
    return dict.fromkeys(names.split(), True)


def _machine() -> Mapping[str, Any]:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    release = _os_release()
    return {
        "KernelVersion": os.uname().release,
        "OperatingSystem": release.get("PRETTY_NAME", "Linux"),
        "OSVersion": release.get("VERSION_ID", ""),
        "OSType": "linux",
        "Architecture": platform.machine(),
        "NCPU": os.cpu_count() or 1,
        "MemTotal": pages * size,
        "ServerVersion": SERVER_VERSION,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
    }


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
