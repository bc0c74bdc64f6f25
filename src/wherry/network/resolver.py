"""The resolver at 127.0.0.11, for containers on networks that users made.

One thread with one selector serves all of them. Each container has its sockets in its own network
namespace, on ports that are nobody's: a rule in that namespace leads port 53 of 127.0.0.11 there,
so that the container can have port 53 for itself. What is no name of its networks is asked of other
resolvers, and their answers are passed on. `Answers` tells both; nothing here knows containers.

Whatever a container sends costs no more than one name to read, a few connections (the oldest is
hung up for a new one) and a limited number of questions under way; what is malformed is not
answered.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wherry.base.values import dataclass, field
from wherry.network import dns, namespaces
from wherry.network.firewall import Nft
from wherry.network.upstream import Upstream

log = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.11"
_TTL: Final = 600
PUBLIC: Final = ("8.8.8.8", "8.8.4.4")
_STUB: Final = "127.0.0.53"
_BEHIND_STUB: Final = "/run/systemd/resolve/resolv.conf"
_TABLE: Final = "wherry-resolver"
_REVERSE: Final = ".in-addr.arpa"
_MOST_CONNECTIONS: Final = 32
_BACKLOG: Final = 128
# Bytes of one connection, some dozens of questions, before others have their turn.
_AT_A_TIME: Final = 2048
_PAUSE_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Answers:
    """What one container is told: addresses of a name, the name of an address, whom else to ask."""

    lookup: Callable[[str], Sequence[str]]
    reverse: Callable[[str], str | None]
    upstream: Callable[[], Sequence[str]]


@dataclass(slots=True, eq=False)
class _Served:
    """A container that is served, and its sockets; those of its connections the oldest first."""

    answers: Answers
    datagram: socket.socket
    stream: socket.socket
    connections: dict[socket.socket, bytearray] = field(default_factory=dict)


class Resolver:
    """The thread and everybody whom it serves. Thread-safe: all else is done by its thread."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._upstream = Upstream(self._selector)
        self._served: dict[str, _Served] = {}
        self._wanted: deque[tuple[str, _Served | None]] = deque()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._note)
        self._lock = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def serve(self, owner: str, namespace: int, answers: Answers) -> None:
        """Serve a container, whose network namespace the descriptor is of."""
        self._want(owner, _Served(answers, *namespaces.within(namespace, _open_sockets)))
        with self._lock:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="resolver", daemon=True)
                self._thread.start()

    def stop(self, owner: str) -> None:
        """Stop serving a container; its sockets are closed soon."""
        self._want(owner, None)

    def _want(self, owner: str, served: _Served | None) -> None:
        self._wanted.append((owner, served))
        with contextlib.suppress(OSError):  # full: it has been woken; closed: nobody is served
            self._wake.send(b"x")

    def close(self) -> None:
        """End the thread and close every socket."""
        with self._lock:
            self._closing = True
        with contextlib.suppress(BlockingIOError):
            self._wake.send(b"x")
        if self._thread is not None:
            self._thread.join()
        self._note()
        for owner in list(self._served):
            self._remove(owner)
        self._upstream.close()
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._upstream.timeout()):
                try:
                    key.data()
                except Exception:
                    # One container's question must not end the service of all the others.
                    log.exception("a question to the resolver failed")
            self._upstream.expire()

    def _note(self) -> None:
        """Begin and end to serve those who came and went."""
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        while self._wanted:
            owner, served = self._wanted.popleft()
            self._remove(owner)
            if served is not None:
                self._add(owner, served)

    def _add(self, owner: str, served: _Served) -> None:
        self._served[owner] = served
        listen = selectors.EVENT_READ
        self._selector.register(served.datagram, listen, lambda: self._datagram(served))
        self._selector.register(served.stream, listen, lambda: self._accept(served))

    def _remove(self, owner: str) -> None:
        served = self._served.pop(owner, None)
        if served is None:
            return
        self._upstream.forget(served)
        for connection in list(served.connections):
            self._hang_up(served, connection)
        for one in (served.datagram, served.stream):
            self._selector.unregister(one)
            one.close()

    def _datagram(self, served: _Served) -> None:
        one = served.datagram
        try:
            data, sender = one.recvfrom(dns.LARGEST)
        except OSError:  # what a datagram of ours met: its sender has gone
            return

        def answer(reply: bytes) -> None:
            with contextlib.suppress(OSError):
                one.sendto(reply, sender)

        self._handle(served, data, answer, stream=False)

    def _accept(self, served: _Served) -> None:
        try:
            connection, _ = served.stream.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                # It stays ready: without a pause this would spin until descriptors are free.
                time.sleep(_PAUSE_SECONDS)
            return
        connection.setblocking(False)
        if len(served.connections) >= _MOST_CONNECTIONS:
            self._hang_up(served, next(iter(served.connections)))
        served.connections[connection] = bytearray()
        self._selector.register(
            connection, selectors.EVENT_READ, lambda: self._stream(served, connection)
        )

    def _hang_up(self, served: _Served, connection: socket.socket) -> None:
        if served.connections.pop(connection, None) is not None:
            self._selector.unregister(connection)
            connection.close()

    def _stream(self, served: _Served, connection: socket.socket) -> None:
        received = served.connections.get(connection)
        if received is None:
            return
        try:
            data = connection.recv(_AT_A_TIME)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up(served, connection)
            return
        received += data

        def answer(reply: bytes) -> None:
            framed = dns.framed(reply)
            try:
                whole = connection.send(framed) == len(framed)
            except OSError:
                whole = False
            if not whole:  # nobody reads there, and half an answer cannot be taken back
                self._hang_up(served, connection)

        while len(received) >= dns.LENGTH_BYTES and connection in served.connections:
            end = dns.LENGTH_BYTES + int.from_bytes(received[: dns.LENGTH_BYTES], "big")
            if len(received) < end:
                return
            query = bytes(received[dns.LENGTH_BYTES : end])
            del received[:end]
            self._handle(served, query, answer, stream=True)

    def _handle(
        self, served: _Served, data: bytes, answer: Callable[[bytes], None], *, stream: bool
    ) -> None:
        query = dns.parse(data)
        if query is None:
            return
        largest = dns.LARGEST if stream else query.largest
        reply = own_answer(query, served.answers, largest)
        if reply is not None:
            answer(reply)
            return
        servers = served.answers.upstream()
        self._upstream.ask(served, query, data, answer, servers, stream=stream)


def own_answer(query: dns.Query, answers: Answers, largest: int = dns.LARGEST) -> bytes | None:
    """Return the answer for a name of the container's networks; None for all others (pure).

    A known name without an address of the kind that was asked for has an empty answer: asking the
    host's resolvers would tell the container that the name does not exist.
    """
    if not query.internet:
        return None
    if query.kind == dns.PTR and query.name.endswith(_REVERSE):
        address = ".".join(reversed(query.name.removesuffix(_REVERSE).split(".")))
        found = answers.reverse(address)
        if found is None:
            return None
        return dns.reply(query, [(dns.PTR, dns.encoded_name(found))], ttl=_TTL, largest=largest)
    addresses = answers.lookup(query.name)
    if not addresses:
        return None
    packed = [(dns.A, ipaddress.IPv4Address(address).packed) for address in addresses]
    return dns.reply(query, packed if query.kind == dns.A else (), ttl=_TTL, largest=largest)


def _open_sockets() -> tuple[socket.socket, socket.socket]:
    """Open both sockets in the calling thread's namespace, and lead port 53 to them."""
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        for one in (datagram, stream):
            one.setblocking(False)
            one.bind((ADDRESS, 0))
        stream.listen(_BACKLOG)
        _redirect(datagram.getsockname()[1], stream.getsockname()[1])
    except BaseException:
        datagram.close()
        stream.close()
        raise
    return datagram, stream


def _redirect(datagram_port: int, stream_port: int) -> None:
    nft = Nft()
    try:
        nft.run(
            f"add table ip {_TABLE}\ndelete table ip {_TABLE}\n"
            f"table ip {_TABLE} {{\n"
            "chain output {\n"
            "type nat hook output priority -100;\n"
            f"ip daddr {ADDRESS} udp dport 53 dnat to {ADDRESS}:{datagram_port}\n"
            f"ip daddr {ADDRESS} tcp dport 53 dnat to {ADDRESS}:{stream_port}\n"
            "}\n}"
        )
    finally:
        nft.close()


def host_resolvers(path: str = "/etc/resolv.conf") -> Sequence[str]:
    """Return the resolvers that the host uses, public ones where it names none."""
    found = settings_of_host(path).get("nameserver", ())
    return found or PUBLIC


def settings_for_containers(
    path: str = "/etc/resolv.conf", behind: str = _BEHIND_STUB
) -> Mapping[str, list[str]]:
    """Return the host's settings; instead of systemd's stub on loopback, whom that one asks."""
    told = settings_of_host(path)
    if told.get("nameserver") == [_STUB]:
        return settings_of_host(behind) or told
    return told


def settings_of_host(path: str = "/etc/resolv.conf") -> Mapping[str, list[str]]:
    """Return what the host's resolv.conf says: words by keyword."""
    settings: dict[str, list[str]] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return settings
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] in ("nameserver", "search", "options"):
            if words[0] == "search":
                settings["search"] = []
            settings.setdefault(words[0], []).extend(words[1:])
    return settings
