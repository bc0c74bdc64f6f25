"""Sockets that whoever started us passes along, as sd_listen_fds(3) has it.

They begin at descriptor 3; LISTEN_PID says whom they are for, LISTEN_FDNAMES what they are called.
Whoever passes them owns them: a path is never removed here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

_FIRST: Final = 3
_MOST: Final = 64
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class NothingPassedError(InvalidError):
    """A socket was to be passed and was not."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A listening socket; `host` is what it would be called in the configuration."""

    listener: socket.socket
    name: str
    number: int

    @property
    def host(self) -> str:
        """Return `unix:///path` or `tcp://address:port`."""
        address = self.listener.getsockname()
        if self.listener.family == socket.AF_UNIX:
            return f"unix://{_text(address)}"
        host, port = address[:2]
        return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _text(address: str | bytes) -> str:
    """Return a path, or the name of an abstract socket with its @."""
    if isinstance(address, bytes):
        return "@" + os.fsdecode(address[1:])
    return address


def take(environment: MutableMapping[str, str]) -> list[Passed]:
    """Take what was passed to this process; nobody who is started from here takes it for theirs.

    Descriptors that are no listening stream sockets are refused with InvalidError.
    """
    pid, count, names = (environment.pop(name, "") for name in _VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    labels = names.split(":")
    found = []
    for index in range(min(int(count), _MOST)):
        number = _FIRST + index
        os.set_inheritable(number, False)
        name = labels[index] if index < len(labels) else ""
        found.append(Passed(_listening(number, name), name, number))
    return found


def _listening(number: int, name: str) -> socket.socket:
    try:
        passed = socket.socket(fileno=number)
        listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise InvalidError(f"descriptor {number} ({name}) that was passed: {error}") from error
    if not listens or passed.type != socket.SOCK_STREAM:
        raise InvalidError(
            f"descriptor {number} ({name}) that was passed is no listening stream socket: the unit"
            " wants ListenStream= and Accept=no"
        )
    return passed


def bound_to(passed: Sequence[Passed], host: str) -> Passed | None:
    """Return the socket that is bound to a configured host, if one is."""
    for one in passed:
        if one.host == host or _same_path(one, host):
            return one
    return None


def _same_path(one: Passed, host: str) -> bool:
    """Tell whether two names, as /var/run/x and /run/x, are one path."""
    path = host.removeprefix("unix://")
    if not one.host.startswith("unix:///") or path == host:
        return False
    return os.path.realpath(path) == os.path.realpath(one.host.removeprefix("unix://"))


def named(passed: Sequence[Passed], host: str) -> list[Passed]:
    """Return the sockets of `fd://` (all), `fd://NAME` or `fd://NUMBER`.

    Raises NothingPassedError where there is none.
    """
    wanted = host.removeprefix("fd://")
    found = [one for one in passed if wanted in ("", "*", one.name, str(one.number))]
    if not found:
        told = ", ".join(f"{one.number} {one.name} ({one.host})" for one in passed) or "none"
        raise NothingPassedError(
            f"{host}: no such socket was passed to wherryd (passed: {told}); it is for"
            " `systemctl start wherry.socket`: write unix:///run/wherry/wherry.sock instead"
        )
    return found
