"""What the `reload` event tells: the attributes that dockerd gives it, in its spelling. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wherry.engine.containers.defaults import cgroup_namespace
from wherry.engine.settings import Settings
from wherry.engine.system.info import RUNTIME

# Containers go on when the engine ends, so nothing waits for them; dockerd's default.
_SHUTDOWN_SECONDS = 15


def attributes(settings: Settings, *, unified: bool) -> dict[str, str]:
    """Return the attributes; what cannot be set here has the value that it always has."""
    containers, transfers = settings.containers, settings.transfers
    return {
        "debug": _boolean(settings.debug),
        "default-cgroupns-mode": cgroup_namespace(containers, unified=unified),
        "default-ipc-mode": containers.ipc_mode,
        "default-runtime": RUNTIME,
        "default-shm-size": str(containers.shm_bytes),
        "features": "map[]",
        "insecure-registries": _list(transfers.insecure_registries),
        "labels": _list(settings.labels),
        "live-restore": "true",
        "max-concurrent-downloads": str(transfers.downloads),
        "max-concurrent-uploads": str(transfers.uploads),
        "max-download-attempts": str(transfers.attempts),
        "registry-mirrors": _list(transfers.mirrors),
        "runtimes": f"{RUNTIME}:wherry-runtime",
        "shutdown-timeout": str(_SHUTDOWN_SECONDS),
    }


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _list(words: Sequence[str]) -> str:
    return json.dumps(list(words), separators=(",", ":"))
