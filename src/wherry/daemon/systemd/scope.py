"""A scope for containers: a cgroup that systemd hands over, and that outlives the service.

The tree of cgroups is systemd's; what others make at its top it does not know of, may change, and
does not end at a shutdown. So an engine that systemd started asks for a scope:

    system.slice/wherry-<engine id>.scope     Delegate=yes: below it systemd changes nothing
        keepers/                              on v2, where a cgroup has processes or children
        <container id>/

`Before=` the service: going down, systemd ends the engine first, which ends its containers; what is
left then gets SIGTERM. It is there for as long as a keeper is, and a later engine finds it again.

v1 and hybrid: systemd makes the scope under the controllers that it knows; under others (cpuset,
freezer) the same path is made by whoever starts a container, as with any other parent, and removed
by the engine when it is empty.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wherry.base.dbus import BusError, Connection
from wherry.base.errors import UnavailableError, WherryError
from wherry.daemon.systemd.manager import MANAGER, Manager, property_of
from wherry.runtime.cgroups.hierarchy import Hierarchy

log = logging.getLogger(__name__)

_KEEPERS: Final = "keepers"
_STOP_USEC: Final = 10_000_000
_NO_LIMIT: Final = (1 << 64) - 1
_SCOPE: Final = "org.freedesktop.systemd1.Scope"
_EXISTS: Final = "org.freedesktop.systemd1.UnitExists"
_MISSING: Final = (
    "org.freedesktop.systemd1.NoSuchUnit",
    "org.freedesktop.systemd1.ScopeNotRunning",
    "org.freedesktop.systemd1.UnitInactive",
)


class ScopeError(UnavailableError):
    """systemd did not make the scope."""


class Scope:
    """The scope of one engine. `path` is that of its cgroup, once a process is in it."""

    def __init__(self, engine_id: str, service: str, manager: Manager, found: Hierarchy) -> None:
        self.name = f"wherry-{engine_id}.scope"
        self.path = ""
        self._service = service
        self._manager = manager
        self._hierarchy = found

    def take(self, pids: Sequence[int]) -> None:
        """Have these processes in the scope, which is made unless it is there.

        Raises ScopeError, BusError, BusTimeoutError, OSError.
        """
        with self._manager.connect() as connection:
            found = self._find(connection)
            if not found or not self._attach(connection, found, pids):
                self._start(connection, pids)
                found = self._find(connection)
        if not found:
            raise ScopeError(f"systemd made {self.name} without a cgroup")
        self.path = found
        if self._hierarchy.is_unified:
            self._descend(pids)

    def take_one(self, pid: int) -> None:
        """Have another process in the scope; one that cannot be moved stays where it is."""
        try:
            self.take([pid])
        except (WherryError, OSError) as error:
            log.warning("process %d could not be moved to %s: %s", pid, self.name, error)

    def _find(self, connection: Connection) -> str:
        """Return the path of the scope's cgroup, empty when it is not there."""
        try:
            (path,) = connection.call(MANAGER, "GetUnit", "s", (self.name,))
            found = str(property_of(connection, path, _SCOPE, "ControlGroup"))
        except BusError as error:
            if error.name in _MISSING:
                return ""
            raise
        return found if found and self._directory(found) else ""

    def _directory(self, path: str) -> str:
        """Return a directory of the scope's cgroup, empty where it has none."""
        for directory in self._hierarchy.directories(path, ("pids", "memory", "cpu")):
            if os.path.isdir(directory):
                return directory
        return ""

    def _attach(self, connection: Connection, path: str, pids: Sequence[int]) -> bool:
        """Add processes to the scope that is there; False when it has just gone."""
        below = f"/{_KEEPERS}" if self._hierarchy.is_unified else ""
        directory = f"{self._directory(path)}{below}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory)
        # Those of an earlier engine are there, and each move is a wait in the kernel for systemd.
        missing = sorted(set(pids) - _processes(directory))
        if not missing:
            return True
        arguments = (self.name, below, missing)
        try:
            connection.call(MANAGER, "AttachProcessesToUnit", "ssau", arguments)
        except BusError as error:
            log.debug("%s: %s", self.name, error)
            return False
        return True

    def _start(self, connection: Connection, pids: Sequence[int]) -> None:
        nothing: list[Any] = []
        arguments = (self.name, "fail", self._properties(pids), nothing)
        try:
            job = self._begin(connection, arguments)
        except BusError as error:
            if error.name != _EXISTS:
                raise
            # One that has failed, or is just ending.
            with contextlib.suppress(BusError):
                connection.call(MANAGER, "ResetFailedUnit", "s", (self.name,))
            job = self._begin(connection, arguments)
        for _, path, _, result in connection.signals("JobRemoved"):
            if path == job:
                if result != "done":
                    raise ScopeError(f"systemd did not start {self.name}: {result}")
                return

    @staticmethod
    def _begin(connection: Connection, arguments: tuple[Any, ...]) -> str:
        signature = "ssa(sv)a(sa(sv))"
        (job,) = connection.call(MANAGER, "StartTransientUnit", signature, arguments)
        return str(job)

    def _properties(self, pids: Sequence[int]) -> list[tuple[str, tuple[str, Any]]]:
        return [
            ("Description", ("s", "containers of wherry")),
            ("PIDs", ("au", list(pids))),
            ("Delegate", ("b", True)),
            ("Before", ("as", [self._service])),
            ("TimeoutStopUSec", ("t", _STOP_USEC)),
            ("TasksMax", ("t", _NO_LIMIT)),
            ("CollectMode", ("s", "inactive-or-failed")),
        ]

    def _descend(self, pids: Iterable[int]) -> None:
        """Leave the cgroup of the scope itself: while it has processes, children have no limits."""
        top = f"{self._hierarchy.unified}{self.path}"
        below = f"{top}/{_KEEPERS}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(below)
        for pid in _processes(top).union(pids) - _processes(below):
            with contextlib.suppress(ProcessLookupError), open(f"{below}/cgroup.procs", "a") as to:
                to.write(f"{pid}\n")


def _processes(directory: str) -> set[int]:
    try:
        with open(f"{directory}/cgroup.procs", encoding="ascii") as file:
            return {int(line) for line in file}
    except FileNotFoundError:
        return set()
