"""Version, info, disk usage, events, and checking credentials: in the API's own shapes."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import wherry
from wherry.base.crossing import in_thread
from wherry.base.errors import UnsupportedError
from wherry.base.values import dataclass
from wherry.engine.containers.bundle import find_init
from wherry.engine.containers.record import Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Event, Events
from wherry.engine.settings import Live
from wherry.engine.system import machine, reload, support
from wherry.engine.system.info import Identity, Seen, document
from wherry.runtime.cgroups.hierarchy import hierarchy
from wherry.store.store import Store
from wherry.wire.requests import AuthConfig
from wherry.wire.times import rfc3339_nano

API_VERSION: Final = "1.51"
MIN_API_VERSION: Final = "1.24"
# What clients compare: the release of Docker whose API this engine speaks.
SERVER_VERSION: Final = "28.5.0"
_INIT: Final = "docker-init"


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
        live: Live,
        networking: Callable[[], bool],
    ) -> None:
        """`networking` tells whether there are networks that need the host to forward packets."""
        self._identity = identity
        self._store = store
        self._table = table
        self._events = events
        self._check_credentials = check_credentials
        self._live = live
        self._networking = networking
        self._init_version = machine.InitVersion()

    async def version(self) -> Mapping[str, Any]:
        """Return GET /version."""
        kernel = os.uname().release
        details = {
            "ApiVersion": API_VERSION,
            "MinAPIVersion": MIN_API_VERSION,
            "Arch": machine.architecture(),
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
            "Arch": machine.architecture(),
            "KernelVersion": kernel,
            "BuildTime": "",
        }

    async def info(self) -> Mapping[str, Any]:
        """Return GET /info."""
        statuses = [record.state.status for record in self._table]
        return await in_thread(self._info, statuses)

    def _info(self, statuses: Sequence[Status]) -> Mapping[str, Any]:
        settings = self._live.current
        init = _init_program(settings.containers.init_path)
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            own = support.own_cgroup(file.read())
        seen = Seen(
            statuses=statuses,
            images=len(self._store.images.list()),
            listeners=self._events.subscribers,
            support=support.read(hierarchy(), own),
            machine={
                **machine.facts(), **machine.running(), "ServerVersion": SERVER_VERSION,
            },
            file_system=machine.file_system_of(self._identity.data_root),
            forwarding=machine.is_set("/proc/sys/net/ipv4/ip_forward"),
            networking=self._networking(),
            init_binary=settings.containers.init_path or _INIT,
            init_commit=self._init_version(init),
            time=rfc3339_nano(time.time_ns()),
        )  # fmt: skip
        return document(self._identity, settings, seen)

    def reloaded(self) -> None:
        """Tell that the settings have been read again: the event that dockerd makes of it."""
        told = reload.attributes(self._live.current, unified=hierarchy().is_unified)
        attributes = {"name": os.uname().nodename, **told}
        self._events.emit("daemon", "reload", self._identity.id, attributes)

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


def _init_program(chosen: str) -> str:
    try:
        return find_init(chosen)
    except UnsupportedError:
        return ""
