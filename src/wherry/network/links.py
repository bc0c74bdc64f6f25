"""Bridges and veth pairs. Idempotent where a crash could have left half."""

from __future__ import annotations

import contextlib
import errno
import threading
from typing import Final

from wherry.base.values import dataclass
from wherry.linux import netlink
from wherry.network.addresses import Address, Network, mac_of
from wherry.network.namespaces import Namespace
from wherry.network.naming import Naming

_USUAL_MTU: Final = 1500


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge of one network: `gateway` is its own address, `router` where containers send to.

    `mtu` 0 is what the machine's own traffic has. `group` is one that its ports belong to, 0 for
    none (see `isolation`).
    """

    name: str
    subnet: Network
    gateway: Address
    mtu: int = 0
    router: Address | None = None
    group: int = 0

    @property
    def default_route(self) -> bytes:
        """Where the default route of containers leads to."""
        return (self.router or self.gateway).packed


@dataclass(frozen=True, slots=True)
class Plug:
    """One attachment: `interface` inside the namespace, `port` our end of the pair."""

    port: str
    interface: str
    address: Address
    mac: str = ""

    def hardware_address(self) -> str:
        """Return the given hardware address, or the one that belongs to the address."""
        return self.mac or mac_of(self.address)


class Links:
    """Interfaces of the host's namespace. Thread-safe."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._netlink = netlink.Netlink()
        self._lock = threading.Lock()
        self._indexes: dict[str, int] = {}

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()

    def make_bridge(self, bridge: Bridge) -> None:
        """Make a bridge, or take up one that is there, with its gateway's address, and up."""
        with self._lock, contextlib.ExitStack() as undo:
            try:
                self._netlink.run([netlink.add_bridge(bridge.name, bridge.mtu)])
                undo.callback(self._remove, bridge.name)
            except OSError as error:
                if error.errno != errno.EEXIST:
                    raise
            index = self._netlink.index_of(bridge.name)
            assert index is not None
            _switch_off_ipv6(bridge.name)
            # Published ports are to be reached from the host's own loopback, too.
            _set(f"ipv4/conf/{bridge.name}/route_localnet", "1")
            self._netlink.run(
                [
                    netlink.add_address(index, bridge.gateway.packed, bridge.subnet.prefixlen),
                    netlink.set_up(index),
                ]
            )
            self._indexes[bridge.name] = index
            undo.pop_all()

    def remove(self, name: str) -> None:
        """Remove an interface; one that has gone already is no error."""
        with self._lock:
            self._indexes.pop(name, None)
            self._remove(name)

    def _remove(self, name: str) -> None:
        try:
            self._netlink.run([netlink.delete_link(name)])
        except OSError as error:
            if not netlink.is_missing(error):
                raise

    def plug(self, bridge: Bridge, plug: Plug, namespace: Namespace, *, default: bool) -> None:
        """Connect a namespace to a bridge; with `default` its default route goes there."""
        mac = bytes.fromhex(plug.hardware_address().replace(":", ""))
        peer = netlink.Peer(plug.interface, mac, namespace.descriptor)
        with self._lock:
            master = self._indexes[bridge.name]
            self._netlink.run([netlink.add_veth(plug.port, peer, master, bridge.mtu, bridge.group)])
            # Otherwise each new port's neighbour discovery is flooded to all the others.
            _switch_off_ipv6(plug.port)
            self._netlink.run([netlink.set_up_by_name(plug.port)])
        inner = namespace.netlink
        index = inner.index_of(plug.interface)
        assert index is not None
        messages = [
            netlink.add_address(index, plug.address.packed, bridge.subnet.prefixlen),
            netlink.set_up(index),
        ]
        if default:
            messages.append(netlink.add_default_route(bridge.default_route, index))
        inner.run(messages)

    def set_default(self, bridge: Bridge, namespace: Namespace) -> None:
        """Let the default route of a namespace that is connected to a bridge go through it."""
        namespace.netlink.run([netlink.add_default_route(bridge.default_route, 0)])

    def covered(self) -> list[Network]:
        """Return every network that the host has an address or a route in."""
        with self._lock:
            found = self._netlink.networks()
        return [Network((int.from_bytes(address, "big"), prefix), strict=False)
                for address, prefix in found]  # fmt: skip

    def usual_mtu(self) -> int:
        """Return what the machine's default route can carry, at most 1500; 1500 without one.

        More than that would lose packets in a tunnel or a cloud's network, for many a firewall
        drops the messages that would tell.
        """
        with self._lock:
            index = self._netlink.default_interface()
            mtus = [link.mtu for link in self._netlink.links() if index and link.index == index]
        return min([_USUAL_MTU, *(mtu for mtu in mtus if mtu)])

    def exists(self, name: str) -> bool:
        """Tell whether the host has an interface of that name."""
        with self._lock:
            return self._netlink.index_of(name) is not None

    def ours(self) -> list[str]:
        """Return the interfaces that carry this engine's id."""
        with self._lock:
            names = [link.name for link in self._netlink.links()]
        return [name for name in names if self._naming.is_ours(name)]


def _switch_off_ipv6(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
        _set(f"ipv6/conf/{name}/disable_ipv6", "1")


def _set(name: str, value: str) -> None:
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(value)


def enable_forwarding() -> bool:
    """Let the host forward IPv4, which containers need to reach anything; True if it was off."""
    path = "/proc/sys/net/ipv4/ip_forward"
    with open(path, encoding="ascii") as file:
        if file.read().strip() != "0":
            return False
    _set("ipv4/ip_forward", "1")
    return True
