"""The resolver at 127.0.0.11, for containers on networks that users made.

One thread with one selector serves all of them. Each container has its sockets in its own network
namespace, on ports that are nobody's: a rule in that namespace leads port 53 of 127.0.0.11 there,
so that the container can have port 53 for itself. What is no name of its networks is asked of the
host's resolvers, and their answers are passed on.

Names are looked up in `Names`, which the engine fills; nothing here knows containers.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dnslib import PTR, QTYPE, RCODE, RR, A, DNSError, DNSRecord

from wherry.network import namespaces
from wherry.network.firewall import Nft

log = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.11"
_TTL: Final = 600
_LARGEST: Final = 65535
_UPSTREAM_SECONDS: Final = 3.0
_FALLBACK: Final = ("8.8.8.8", "8.8.4.4")
_TABLE: Final = "wherry-resolver"

Lookup = Callable[[str], Sequence[str]]


@dataclass(slots=True)
class Served:
    """A container that is served: its sockets, and what its names mean."""

    lookup: Lookup
    reverse: Callable[[str], str | None]
    sockets: list[socket.socket] = field(default_factory=list)


@dataclass(slots=True)
class _Pending:
    """A question on its way to a resolver of the host."""

    answer: Callable[[bytes], None]
    query: bytes
    servers: list[str]
    deadline: float


class Resolver:
    """The thread and everybody whom it serves. Thread-safe."""

    def __init__(self, upstream: Callable[[], Sequence[str]] | None = None) -> None:
        self._upstream = upstream or host_resolvers
        self._selector = selectors.DefaultSelector()
        self._served: dict[str, Served] = {}
        self._pending: dict[socket.socket, _Pending] = {}
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def serve(
        self, owner: str, namespace: int, lookup: Lookup, reverse: Callable[[str], str | None]
    ) -> None:
        """Serve a container, whose network namespace the descriptor is of."""
        self.stop(owner)
        sockets = namespaces.within(namespace, _open_sockets)
        served = Served(lookup, reverse, list(sockets))
        with self._lock:
            self._served[owner] = served
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="resolver", daemon=True)
                self._thread.start()
            datagram, stream = sockets
            self._selector.register(
                datagram, selectors.EVENT_READ, lambda: self._datagram(served, datagram)
            )
            self._selector.register(
                stream, selectors.EVENT_READ, lambda: self._accept(served, stream)
            )
        self._wake.send(b"x")

    def stop(self, owner: str) -> None:
        """Stop serving a container."""
        with self._lock:
            served = self._served.pop(owner, None)
            for one in served.sockets if served else ():
                self._drop(one)

    def close(self) -> None:
        """End the thread and close every socket."""
        self._closing = True
        self._wake.send(b"x")
        if self._thread is not None:
            self._thread.join(5)
        for owner in list(self._served):
            self.stop(owner)
        for one in list(self._pending):
            self._drop(one)
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _drop(self, one: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(one)
        self._pending.pop(one, None)
        one.close()

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._timeout()):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(4096)
                    continue
                try:
                    key.data()
                except Exception:
                    # One container's question must not end the service of all the others.
                    log.exception("a question to the resolver failed")
            self._expire()

    def _timeout(self) -> float | None:
        if not self._pending:
            return None
        return max(min(p.deadline for p in self._pending.values()) - time.monotonic(), 0)

    def _expire(self) -> None:
        now = time.monotonic()
        for one, pending in list(self._pending.items()):
            if pending.deadline <= now:
                with self._lock:
                    self._drop(one)
                self._forward(pending.query, pending.answer, pending.servers)

    def _datagram(self, served: Served, one: socket.socket) -> None:
        try:
            query, sender = one.recvfrom(_LARGEST)
        except (BlockingIOError, OSError):
            return

        def answer(reply: bytes) -> None:
            with contextlib.suppress(OSError):
                one.sendto(reply, sender)

        self._handle(served, query, answer)

    def _accept(self, served: Served, one: socket.socket) -> None:
        try:
            connection, _ = one.accept()
        except (BlockingIOError, OSError):
            return
        connection.setblocking(False)
        received = bytearray()
        with self._lock:
            served.sockets.append(connection)
            self._selector.register(
                connection,
                selectors.EVENT_READ,
                lambda: self._stream(served, connection, received),
            )

    def _stream(self, served: Served, connection: socket.socket, received: bytearray) -> None:
        try:
            data = connection.recv(_LARGEST)
        except (BlockingIOError, ConnectionResetError):
            data = b""
        if not data:
            with self._lock:
                if connection in served.sockets:
                    served.sockets.remove(connection)
                self._drop(connection)
            return
        received += data
        while len(received) >= 2 and len(received) >= 2 + int.from_bytes(received[:2], "big"):
            length = int.from_bytes(received[:2], "big")
            query = bytes(received[2 : 2 + length])
            del received[: 2 + length]

            def answer(reply: bytes) -> None:
                with contextlib.suppress(OSError):
                    connection.send(len(reply).to_bytes(2, "big") + reply)

            self._handle(served, query, answer)

    def _handle(self, served: Served, query: bytes, answer: Callable[[bytes], None]) -> None:
        try:
            record = DNSRecord.parse(query)
        except (DNSError, ValueError, IndexError):
            return
        reply = own_answer(record, served.lookup, served.reverse)
        if reply is not None:
            answer(reply.pack())
        else:
            self._forward(query, answer, list(self._upstream()))

    def _forward(self, query: bytes, answer: Callable[[bytes], None], servers: list[str]) -> None:
        while servers:
            server = servers.pop(0)
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            one = socket.socket(family, socket.SOCK_DGRAM)
            one.setblocking(False)
            try:
                one.connect((server, 53))
                one.send(query)
            except OSError:
                one.close()
                continue
            deadline = time.monotonic() + _UPSTREAM_SECONDS
            self._pending[one] = _Pending(answer, query, servers, deadline)
            with self._lock:
                reply = functools.partial(self._upstream_reply, one)
                self._selector.register(one, selectors.EVENT_READ, reply)
            return
        failed = DNSRecord.parse(query).reply()
        failed.header.rcode = RCODE.SERVFAIL
        answer(failed.pack())

    def _upstream_reply(self, one: socket.socket) -> None:
        pending = self._pending.get(one)
        try:
            reply = one.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            reply = b""
        with self._lock:
            self._drop(one)
        if pending is None:
            return
        if reply[:2] == pending.query[:2]:
            pending.answer(reply)
        else:
            self._forward(pending.query, pending.answer, pending.servers)


def own_answer(
    record: DNSRecord, lookup: Lookup, reverse: Callable[[str], str | None]
) -> DNSRecord | None:
    """Return the answer for a name of the container's networks; None for all others (pure).

    A known name without an address of the kind that was asked for has an empty answer: asking the
    host's resolvers would tell the container that the name does not exist.
    """
    question = record.q
    name = str(question.qname).rstrip(".").lower()
    kind = QTYPE[question.qtype]
    if kind == "PTR" and name.endswith(".in-addr.arpa"):
        address = ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
        found = reverse(address)
        if found is None:
            return None
        reply = record.reply()
        reply.add_answer(RR(question.qname, QTYPE.PTR, rdata=PTR(found), ttl=_TTL))
        return reply
    addresses = lookup(name)
    if not addresses:
        return None
    reply = record.reply()
    if kind == "A":
        for address in addresses:
            reply.add_answer(RR(question.qname, QTYPE.A, rdata=A(address), ttl=_TTL))
    return reply


def _open_sockets() -> tuple[socket.socket, socket.socket]:
    """Open both sockets in the calling thread's namespace, and lead port 53 to them."""
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        for one in (datagram, stream):
            one.setblocking(False)
            one.bind((ADDRESS, 0))
        stream.listen(16)
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
    return found or _FALLBACK


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
