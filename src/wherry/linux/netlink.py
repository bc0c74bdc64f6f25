"""rtnetlink(7): interfaces, addresses and routes, in batches of messages of our own.

A socket speaks for the network namespace in which it was made, whichever thread uses it later. All
messages of a batch go out in one call and are acknowledged one by one; the first error is raised,
and what came before it has been done.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from wherry.base.values import dataclass

_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBi")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")
_RECEIVE_BYTES: Final = 1 << 18

_ERROR, _DONE = 2, 3
NEW_LINK, DELETE_LINK, GET_LINK = 16, 17, 18
NEW_ADDRESS, DELETE_ADDRESS, GET_ADDRESS = 20, 21, 22
NEW_ROUTE, DELETE_ROUTE, GET_ROUTE = 24, 25, 26
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
CREATE, EXCLUSIVE, REPLACE = 0x400, 0x200, 0x100

_IFF_UP: Final = 1
_NESTED: Final = 0x8000
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER = 1, 3, 4, 10
_IFLA_LINKINFO, _IFLA_GROUP, _IFLA_NET_NS_FD = 18, 27, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_DESTINATION, _RTA_OUTPUT, _RTA_GATEWAY, _RTA_PRIORITY = 1, 4, 5, 6
_MAIN_TABLE, _PROTOCOL_STATIC, _UNICAST = 254, 4, 1


@dataclass(frozen=True, slots=True)
class Link:
    """An interface: `master` is the index of the bridge that it is a port of, 0 for none."""

    index: int
    name: str
    master: int
    mtu: int = 0


def attribute(kind: int, data: bytes) -> bytes:
    """Encode one attribute, padded to four bytes."""
    length = _ATTRIBUTE.size + len(data)
    return _ATTRIBUTE.pack(length, kind) + data + bytes(-length % 4)


def _text(kind: int, text: str) -> bytes:
    return attribute(kind, text.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def _nested(kind: int, *parts: bytes) -> bytes:
    return attribute(kind | _NESTED, b"".join(parts))


@dataclass(frozen=True, slots=True)
class Message:
    """One request: its type, flags and body, and words for an error."""

    kind: int
    flags: int
    body: bytes
    what: str


def add_bridge(name: str, mtu: int) -> Message:
    """Make a bridge that is down."""
    body = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name)
    body += _number(_IFLA_MTU, mtu) if mtu else b""
    body += _nested(_IFLA_LINKINFO, _text(_INFO_KIND, "bridge"))
    return Message(NEW_LINK, CREATE | EXCLUSIVE, body, f"making bridge {name}")


@dataclass(frozen=True, slots=True)
class Peer:
    """The container's end of a veth pair; `namespace` is a descriptor of where it is made."""

    name: str
    mac: bytes
    namespace: int


def add_veth(name: str, peer: Peer, bridge: int, mtu: int, group: int = 0) -> Message:
    """Make a veth pair, our end down and a port of the bridge, the other directly in its namespace.

    `group` is a number by which rules can know our end.

    Making it here and moving it afterwards takes eight times as long.
    """
    inner = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, peer.name)
    inner += attribute(_IFLA_ADDRESS, peer.mac) + _number(_IFLA_NET_NS_FD, peer.namespace)
    body = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name) + _number(_IFLA_MASTER, bridge)
    body += _number(_IFLA_GROUP, group) if group else b""
    if mtu:
        inner += _number(_IFLA_MTU, mtu)
        body += _number(_IFLA_MTU, mtu)
    data = _nested(_INFO_DATA, attribute(_VETH_PEER | _NESTED, inner))
    body += _nested(_IFLA_LINKINFO, _text(_INFO_KIND, "veth"), data)
    return Message(NEW_LINK, CREATE | EXCLUSIVE, body, f"making interface {name}")


def set_up(index: int) -> Message:
    """Bring an interface up."""
    return Message(
        NEW_LINK, 0, _LINK.pack(0, 0, index, _IFF_UP, _IFF_UP), f"bringing up interface {index}"
    )


def set_up_by_name(name: str) -> Message:
    """Bring an interface up."""
    body = _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + _text(_IFLA_IFNAME, name)
    return Message(NEW_LINK, 0, body, f"bringing up interface {name}")


def delete_link(name: str) -> Message:
    """Remove an interface, and with it the other end of a pair."""
    body = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, name)
    return Message(DELETE_LINK, 0, body, f"removing interface {name}")


def add_address(index: int, address: bytes, prefix: int) -> Message:
    """Give an interface an address of four or sixteen bytes."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    body = _ADDRESS.pack(family, prefix, 0, 0, index)
    body += attribute(_IFA_LOCAL, address) + attribute(_IFA_ADDRESS, address)
    if family == socket.AF_INET:
        host_bits = (1 << 32 - prefix) - 1
        broadcast = int.from_bytes(address, "big") | host_bits
        body += attribute(_IFA_BROADCAST, broadcast.to_bytes(4, "big"))
    return Message(NEW_ADDRESS, CREATE | REPLACE, body, "adding an address")


def add_default_route(gateway: bytes, index: int) -> Message:
    """Send everything else to a gateway; `index` 0 lets the kernel find the interface."""
    body = _default_route(len(gateway)) + attribute(_RTA_GATEWAY, gateway)
    body += _number(_RTA_OUTPUT, index) if index else b""
    return Message(NEW_ROUTE, CREATE | REPLACE, body, "adding the default route")


def delete_default_route(family_bytes: int) -> Message:
    """Remove the default route."""
    return Message(DELETE_ROUTE, 0, _default_route(family_bytes), "removing the default route")


def _default_route(family_bytes: int) -> bytes:
    family = socket.AF_INET if family_bytes == 4 else socket.AF_INET6
    return _ROUTE.pack(family, 0, 0, 0, _MAIN_TABLE, _PROTOCOL_STATIC, 0, _UNICAST, 0)


class Netlink:
    """A socket of the network namespace that the calling thread is in now."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def run(self, messages: Sequence[Message]) -> None:
        """Do all of a batch; raises OSError for the first that fails."""
        data, expected = b"", {}
        for message in messages:
            self._sequence += 1
            expected[self._sequence] = message
            data += self._encode(message.kind, message.flags | _REQUEST | _ACK, message.body)
        self._socket.send(data)
        failure: OSError | None = None
        while expected:
            for kind, sequence, body in self._receive():
                if kind != _ERROR or sequence not in expected:
                    continue
                code = -struct.unpack_from("=i", body)[0]
                message = expected.pop(sequence)
                if code and failure is None:
                    failure = OSError(code, f"{message.what}: {os.strerror(code)}")
        if failure is not None:
            raise failure

    def _encode(self, kind: int, flags: int, body: bytes) -> bytes:
        length = _HEADER.size + len(body)
        header = _HEADER.pack(length, kind, flags, self._sequence, 0)
        return header + body + bytes(-length % 4)

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self._socket.recv(_RECEIVE_BYTES)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
            yield kind, sequence, data[at + _HEADER.size : at + length]
            at += length + -length % 4

    def _dump(self, kind: int, body: bytes) -> Iterator[bytes]:
        self._sequence += 1
        self._socket.send(self._encode(kind, _REQUEST | _DUMP, body))
        while True:
            for found, sequence, content in self._receive():
                if sequence != self._sequence:
                    continue
                if found == _DONE:
                    return
                if found == _ERROR:
                    code = -struct.unpack_from("=i", content)[0]
                    raise OSError(code, f"reading from the kernel: {os.strerror(code)}")
                yield content

    def links(self) -> list[Link]:
        """Return every interface of the namespace."""
        found = []
        for content in self._dump(GET_LINK, _LINK.pack(0, 0, 0, 0, 0)):
            index = _LINK.unpack_from(content)[2]
            parts = _attributes(content[_LINK.size :])
            name = parts[_IFLA_IFNAME].rstrip(b"\0").decode()
            found.append(
                Link(index, name, _integer(parts, _IFLA_MASTER), _integer(parts, _IFLA_MTU))
            )
        return found

    def index_of(self, name: str) -> int | None:
        """Return an interface's index, None when there is none of that name."""
        return next((link.index for link in self.links() if link.name == name), None)

    def default_interface(self) -> int:
        """Return the index of the interface that IPv4's default route leads to, 0 without one."""
        found = []
        for content in self._dump(GET_ROUTE, _ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)):
            family, prefix, _, _, table, _, _, kind, _ = _ROUTE.unpack_from(content)
            parts = _attributes(content[_ROUTE.size :])
            if (family, prefix, table, kind) == (socket.AF_INET, 0, _MAIN_TABLE, _UNICAST):
                found.append((_integer(parts, _RTA_PRIORITY), _integer(parts, _RTA_OUTPUT)))
        return min(found, default=(0, 0))[1]

    def networks(self) -> list[tuple[bytes, int]]:
        """Return what IPv4 addresses and routes of the namespace cover: (address, prefix)."""
        found = []
        for content in self._dump(GET_ADDRESS, _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0)):
            family, prefix, *_ = _ADDRESS.unpack_from(content)
            address = _attributes(content[_ADDRESS.size :]).get(_IFA_ADDRESS)
            if family == socket.AF_INET and address:
                found.append((address, prefix))
        query = _ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
        for content in self._dump(GET_ROUTE, query):
            family, prefix, *_ = _ROUTE.unpack_from(content)
            address = _attributes(content[_ROUTE.size :]).get(_RTA_DESTINATION)
            if family == socket.AF_INET and address and prefix:
                found.append((address, prefix))
        return found


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & ~_NESTED] = data[at + _ATTRIBUTE.size : at + length]
        at += length + -length % 4
    return found


def _integer(parts: Mapping[int, bytes], kind: int) -> int:
    return int(struct.unpack("=I", parts.get(kind, bytes(4)))[0])


def is_missing(error: OSError) -> bool:
    """Tell whether an error says that the object was not there."""
    return error.errno in (errno.ENODEV, errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL)
