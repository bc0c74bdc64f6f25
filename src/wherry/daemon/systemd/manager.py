"""systemd itself, over D-Bus: on its private socket, which is there before and after any bus."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from wherry.base.dbus import Connection
from wherry.base.errors import WherryError

log = logging.getLogger(__name__)

_PRIVATE: Final = "/run/systemd/private"
_BUS: Final = "/run/dbus/system_bus_socket"
_NAME: Final = "org.freedesktop.systemd1"
_PATH: Final = "/org/freedesktop/systemd1"
MANAGER: Final = (_NAME, _PATH, f"{_NAME}.Manager")
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_DBUS: Final = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def started_us(environment: Mapping[str, str], private: str = _PRIVATE) -> str:
    """Return the unit that this process is the main process of; empty without systemd."""
    if not environment.get("INVOCATION_ID") or os.getppid() != 1 or not os.path.exists(private):
        return ""
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        return unit_of(file.read())


def unit_of(cgroups: str) -> str:
    """Return the name of the service in the content of /proc/<pid>/cgroup; empty for none."""
    for line in cgroups.splitlines():
        number, controllers, path = line.split(":", 2)
        name = path.rpartition("/")[2]
        # The hierarchy that systemd counts by: v2's, or its own on v1.
        own = number == "0" or controllers == "name=systemd"
        if own and name.endswith(".service"):
            return name
    return ""


class Manager:
    """Opens a connection for each question: there are few, and they are far between."""

    def __init__(self, private: str = _PRIVATE, bus: str = _BUS) -> None:
        self._private = private
        self._bus = bus

    def connect(self) -> Connection:
        """Return a connection on which signals of the manager arrive. Raises OSError, BusError."""
        try:
            return Connection(self._private)
        except OSError:
            if not os.path.exists(self._bus):
                raise
        connection = Connection(self._bus)
        try:
            connection.call(_DBUS, "Hello")
            rule = f"type='signal',sender='{_NAME}',interface='{MANAGER[2]}'"
            connection.call(_DBUS, "AddMatch", "s", (rule,))
        except BaseException:
            connection.__exit__(None, None, None)
            raise
        return connection

    def is_shutting_down(self) -> bool:
        """Tell whether the machine is on its way down; False where that cannot be learnt."""
        try:
            with self.connect() as connection:
                return bool(property_of(connection, _PATH, MANAGER[2], "SystemState") == "stopping")
        except (WherryError, OSError) as error:
            log.warning("systemd cannot be asked whether the machine shuts down: %s", error)
            return False


def property_of(connection: Connection, path: str, interface: str, name: str) -> Any:
    """Return the value of a property of one of systemd's objects."""
    ((_, value),) = connection.call((_NAME, path, _PROPERTIES), "Get", "ss", (interface, name))
    return value
