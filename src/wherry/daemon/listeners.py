"""Where the API is served: hosts of the configuration, and sockets that systemd has passed.

A socket that is bound to a configured host is used in its place; `fd://` asks for all of them, or
one. Any other that was passed is served as well, since a client that connects to it would wait for
ever. Files of passed sockets are systemd's: only a group of the configuration changes them.
"""

from __future__ import annotations

import errno
import grp
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wherry.base.errors import ConflictError, InvalidError
from wherry.daemon.configuration.hosts import name_of
from wherry.daemon.configuration.options import is_loopback
from wherry.daemon.holders import holder_of_path, holder_of_port
from wherry.daemon.systemd.passed import Passed, bound_to, named

if TYPE_CHECKING:
    import ssl

    from wherry.api.server import Server

log = logging.getLogger("wherryd")

# Made by the packages; without it sockets are for root alone.
_GROUP: Final = "wherry"
_MODE: Final = 0o660
_NOBODY_ELSE: Final = -1


class InUseError(ConflictError):
    """Somebody else listens there."""


async def listen(
    server: Server,
    hosts: Sequence[str],
    group: str,
    passed: Sequence[Passed],
    context: ssl.SSLContext | None,
) -> None:
    """Serve on every host and on every passed socket. Raises InvalidError, InUseError, OSError."""
    number = group_number(group)
    left = list(passed)
    for host in hosts:
        if host.startswith("fd://"):
            adopted = named(passed, host)
        else:
            found = bound_to(passed, host)
            adopted = [found] if found is not None else []
        for one in adopted:
            if one in left:
                left.remove(one)
                if host.startswith("fd://"):
                    _check_public(one, context)
                await _adopt(server, one, number if group else _NOBODY_ELSE, context)
        if not adopted:
            await _open(server, host, number, context)
    for one in left:
        _check_public(one, context)
        await _adopt(server, one, number if group else _NOBODY_ELSE, context)


def group_number(name: str) -> int:
    """Return the number of the group that may use unix sockets; -1 for root alone.

    Raises InvalidError when a group was asked for that is not there.
    """
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name or _GROUP).gr_gid
    except KeyError:
        if not name:
            return _NOBODY_ELSE
        raise InvalidError(
            f'"group": there is no group {name}: make it with `groupadd --system {name}`'
        ) from None


async def _adopt(server: Server, one: Passed, group: int, context: ssl.SSLContext | None) -> None:
    path = one.host.removeprefix("unix://")
    if group != _NOBODY_ELSE and path.startswith("/"):
        os.chown(path, -1, group)
    is_unix = one.host.startswith("unix://")
    await server.serve_socket(one.listener, None if is_unix else context)
    log.info("API listen on %s (passed by systemd as %s)", one.host, one.name or one.number)


async def _open(server: Server, host: str, group: int, context: ssl.SSLContext | None) -> None:
    if host.startswith("unix://"):
        await _open_path(server, host.removeprefix("unix://"), group)
    else:
        await _open_port(server, host, context)
    log.info("API listen on %s", host)


async def _open_path(server: Server, path: str, group: int) -> None:
    os.makedirs(os.path.dirname(path), 0o711, exist_ok=True)
    try:
        await server.serve_unix(path, _MODE, group)
    except FileExistsError as error:
        holder = holder_of_path(path)
        told = f": {holder} has it" if holder else ""
        raise InUseError(f"{error}{told}; use another -H") from error


async def _open_port(server: Server, host: str, context: ssl.SSLContext | None) -> None:
    name, port = name_of(host), int(host.rpartition(":")[2])
    if context is None:
        _warn(host, name)
    try:
        await server.serve_tcp(name, port, context)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            holder = holder_of_port(port) or "another process"
            raise InUseError(f"{host}: the port is in use: {holder} has it") from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise InvalidError(f"{host}: this machine does not have that address") from error
        raise


def _warn(host: str, name: str) -> None:
    if is_loopback(name):
        log.warning("%s: every user and every web page opened on this machine can be root", host)
    else:
        log.warning("%s: WHOEVER REACHES THIS ADDRESS IS ROOT ON THIS MACHINE: use tlsverify", host)


def _check_public(one: Passed, context: ssl.SSLContext | None) -> None:
    """Refuse what the configuration could not see: a port for everybody, in the clear."""
    if not one.host.startswith("tcp://") or context is not None:
        return
    if not is_loopback(name_of(one.host)):
        raise InvalidError(
            f"{one.host}, passed by systemd: whoever reaches it would be root on this machine: set"
            ' "tlsverify", or name it in "hosts" and set "tls": false'
        )
    _warn(one.host, name_of(one.host))
