"""Published ports of the host: each is held by a socket of ours, bound and, as a rule, silent.

The firewall forwards what comes for it, so nothing ever arrives here; but nobody else can take the
port unnoticed, and a port that somebody has is an error with a name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import socket
import threading
from collections.abc import Iterator, Sequence

from wherry.base.errors import ConflictError, InternalError, InvalidError
from wherry.base.values import dataclass

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what Docker publishes on unless told otherwise
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_FALLBACK_RANGE = (49153, 65535)
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port to publish: `first` to `last` on the host, both 0 for any free one."""

    protocol: str
    port: int
    host_ip: str = ""
    first: int = 0
    last: int = 0

    @property
    def address(self) -> str:
        """The host's address, every one where none was given."""
        return self.host_ip or EVERY_ADDRESS


class PortTakenError(ConflictError):
    """Somebody has the port."""


class PortFailedError(InternalError):
    """The port could not be bound for another reason."""


class Ports:
    """Sockets that hold published ports, by whom they are for. Thread-safe."""

    def __init__(self) -> None:
        self._held: dict[str, list[socket.socket]] = {}
        self._ours: set[tuple[str, str, int]] = set()
        self._lock = threading.Lock()

    def hold(self, owner: str, wanted: Sequence[Wanted]) -> list[int]:
        """Bind every port, or none; returns the host's ports in the order asked for."""
        with self._lock, contextlib.ExitStack() as undo:
            chosen = []
            for one in wanted:
                bound, number = self._bind(one)
                self._held.setdefault(owner, []).append(bound)
                undo.callback(self._drop, owner, bound)
                chosen.append(number)
            undo.pop_all()
            return chosen

    def _bind(self, wanted: Wanted) -> tuple[socket.socket, int]:
        failure: Exception | None = None
        for number in _candidates(wanted):
            try:
                bound = self._bind_one(wanted, number)
            except PortTakenError as error:
                failure = error
                continue
            self._ours.add((wanted.protocol, wanted.address, number))
            return bound, number
        raise failure or PortTakenError("all ports are allocated")

    def _bind_one(self, wanted: Wanted, number: int) -> socket.socket:
        if self._is_ours(wanted.protocol, wanted.address, number):
            raise PortTakenError(
                f"Bind for {wanted.address}:{number} failed: port is already allocated"
            )
        try:
            kind = _KINDS[wanted.protocol]
        except KeyError:
            raise InvalidError(f"invalid protocol: {wanted.protocol}: tcp or udp") from None
        made = socket.socket(socket.AF_INET, kind)
        try:
            _bind(made, (wanted.address, number))
        except OSError as error:
            made.close()
            words = os.strerror(error.errno or 0).lower()
            message = (
                f"failed to bind host port {wanted.address}:{number}/{wanted.protocol}:"
                f" listen {wanted.protocol}4 {wanted.address}:{number}: bind: {words}"
            )
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(message) from error
            raise PortFailedError(message) from error
        return made

    def _is_ours(self, protocol: str, address: str, number: int) -> bool:
        return any(
            kind == protocol
            and held == number
            and (EVERY_ADDRESS in (address, place) or place == address)
            for kind, place, held in self._ours
        )

    def _drop(self, owner: str, bound: socket.socket) -> None:
        self._forget(bound)
        self._held[owner].remove(bound)

    def _forget(self, bound: socket.socket) -> None:
        protocol = "tcp" if bound.type == socket.SOCK_STREAM else "udp"
        address, number = bound.getsockname()
        self._ours.discard((protocol, address, number))
        bound.close()

    def release(self, owner: str) -> None:
        """Let go of all ports of an owner."""
        with self._lock:
            for bound in self._held.pop(owner, ()):
                self._forget(bound)

    def close(self) -> None:
        """Let go of everything."""
        for owner in list(self._held):
            self.release(owner)


def _bind(made: socket.socket, address: tuple[str, int]) -> None:
    try:
        made.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or made.type != socket.SOCK_STREAM:
            raise
        # Perhaps there are only connections of a server that has ended, which wait for a minute.
        # Who shares with those must listen, or others may share with it.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(0)


def _candidates(wanted: Wanted) -> Iterator[int]:
    if wanted.first:
        yield from range(wanted.first, wanted.last + 1)
        return
    first, last = _free_range()
    for _ in range(_TRIES):
        yield random.randint(first, last)


def _free_range() -> tuple[int, int]:
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first, last = (int(word) for word in file.read().split())
    except (OSError, ValueError):
        return _FALLBACK_RANGE
    return first, last
