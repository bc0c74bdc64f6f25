"""How the service is: what is installed, whether it starts at boot, whether it runs."""

from __future__ import annotations

import os
from typing import Any

from wherry.base.values import dataclass
from wherry.service.enabling import is_enabled
from wherry.service.files import EXEC_ROOT, HOST, INIT_SCRIPT, PIDFILE, SERVICE
from wherry.service.install import prefix_of, wanted_files
from wherry.service.machine import VENDOR_UNITS, Machine
from wherry.service.place import differing
from wherry.service.running import answers, keepers, running


@dataclass(frozen=True, slots=True)
class Status:
    """What can be found out without asking the engine. Times in seconds since the epoch.

    manager: `systemd`, `sysv`, or "" for neither. by: `package`, `pip`, or "" where nothing is
    installed. changed: files that are not as `wherry service install` would write them.
    """

    manager: str
    by: str
    enabled: bool
    changed: tuple[str, ...]
    pid: int
    since: float
    socket: str
    listening: bool
    keepers: int


def status(machine: Machine, programs: str) -> Status:
    """Find out."""
    by = _installed_by(machine)
    engine = running(PIDFILE) if machine.is_live else None
    path = HOST.removeprefix("unix://")
    return Status(
        manager="systemd" if machine.has_systemd() else "sysv" if machine.has_sysv() else "",
        by=by,
        enabled=is_enabled(machine),
        changed=_changed(machine, programs) if by == "pip" else (),
        pid=engine.pid if engine else 0,
        since=engine.since if engine else 0,
        socket=HOST,
        listening=machine.is_live and answers(path),
        keepers=keepers(EXEC_ROOT) if machine.is_live else 0,
    )


def _installed_by(machine: Machine) -> str:
    if any(os.path.exists(machine.path(f"{folder}/{SERVICE}")) for folder in VENDOR_UNITS):
        return "package"
    ours = (f"/etc/systemd/system/{SERVICE}", INIT_SCRIPT)
    return "pip" if any(os.path.exists(machine.path(path)) for path in ours) else ""


def _changed(machine: Machine, programs: str) -> tuple[str, ...]:
    return tuple(differing(machine.root, wanted_files(machine, prefix_of(programs), docker=False)))


def described(found: Status, engine: dict[str, Any] | None, version: str) -> dict[str, Any]:
    """Return the answer of `wherry service status`.

    `engine` is what its `/info` and `/version` say together, None where it does not answer.
    """
    name = (engine or {}).get("Platform", {}).get("Name", "")
    engine_version = name.removeprefix("wherry ")
    return {
        "Installed": found.by or "no",
        "Manager": found.manager or "none",
        "Enabled": found.enabled,
        "Running": bool(found.pid),
        "Pid": found.pid,
        "Since": found.since,
        "Socket": found.socket,
        "Listening": found.listening,
        "Containers": engine.get("ContainersRunning", 0) if engine else None,
        "Keepers": found.keepers,
        "Version": version,
        "EngineVersion": engine_version,
        "ChangedFiles": list(found.changed),
    }
