"""What networks are in the kernel: bridges, the firewall's table, ports, addresses in use.

Blocking, called in threads, thread-safe. Says nothing to the database: what it is told to make is
already written there, and what a crash left is found by name and removed by `sweep`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from wherry.base.errors import ForbiddenError, NotFoundError, UnavailableError, WherryError
from wherry.base.values import dataclass, field
from wherry.engine.networks.record import NetworkRecord
from wherry.network.addresses import Address, AddressPool, Network, parse_address, parse_subnet
from wherry.network.firewall import Firewall, Forward, RulesMissingError
from wherry.network.isolation import Isolation, Link, group_of
from wherry.network.links import Bridge, Links, Plug, enable_forwarding
from wherry.network.namespaces import Namespace
from wherry.network.naming import Naming
from wherry.network.ports import Ports, Wanted
from wherry.network.resolver import Resolver

log = logging.getLogger(__name__)


class NoSuchNetworkError(NotFoundError):
    """No network has that name or id."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"network {reference} not found")


class NetworkInUseError(ForbiddenError):
    """Containers have addresses of the network."""

    def __init__(self, record: NetworkRecord) -> None:
        super().__init__(
            f"error while removing network: network {record.name} id {record.id} has active"
            " endpoints"
        )


@dataclass(slots=True)
class _Open:
    """A network that has a bridge now."""

    bridge: Bridge
    record: NetworkRecord
    pool: AddressPool


@dataclass
class Fabric:
    """The kernel's side of all networks of one engine; `records` gives what should be there."""

    engine_id: str
    records: Callable[[], Iterable[NetworkRecord]]
    _open: dict[str, _Open] = field(default_factory=dict)
    _forwards: dict[str, list[Forward]] = field(default_factory=dict)
    _links: dict[Link, tuple[str, str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ready: bool = False

    def __post_init__(self) -> None:
        self.naming = Naming(self.engine_id)
        self.links = Links(self.naming)
        self.ports = Ports()
        self.resolver = Resolver()
        self._firewall: Firewall | None = None
        self._isolation: Isolation | None = None

    @property
    def firewall(self) -> Firewall:
        """The table; loading the library waits until it is needed."""
        if self._firewall is None:
            self._firewall = Firewall(self.naming)
        return self._firewall

    @property
    def isolation(self) -> Isolation:
        """The table that keeps containers of one network apart."""
        if self._isolation is None:
            self._isolation = Isolation(self.naming, self.firewall.nft)
        return self._isolation

    def ensure(self, record: NetworkRecord) -> Bridge:
        """Return a network's bridge, made if it is not there; nothing is left of it on failure."""
        with self._lock:
            found = self._open.get(record.id)
            if found is not None:
                return found.bridge
            if not any(record.id == other.id for other in self.records()):
                # Removed while a container that was to be on it was being started.
                raise NoSuchNetworkError(record.name)
            if not self._ready:
                self._begin()
            bridge, pool = self._bridge(record), _pool(record)
            with contextlib.ExitStack() as undo:
                self.links.make_bridge(bridge)
                undo.callback(self.links.remove, bridge.name)
                zone = record.zone(bridge)
                self._with_rules(lambda: self.firewall.add_zone(zone))
                if record.isolated:
                    undo.callback(self.firewall.remove_zone, zone)
                    self.isolation.make()
                undo.pop_all()
            self._open[record.id] = _Open(bridge, record, pool)
            return bridge

    def _bridge(self, record: NetworkRecord) -> Bridge:
        made = record.bridge(self.naming.bridge(record.id))
        group = group_of(self.naming) if record.isolated else 0
        return replace(made, mtu=made.mtu or self.links.usual_mtu(), group=group)

    def _with_rules(self, change: Callable[[], None]) -> None:
        """Change rules; where somebody has flushed the machine's, ours are made anew first."""
        try:
            change()
        except RulesMissingError:
            log.warning("the engine's firewall rules were removed by others: they are made anew")
            self._rebuild()
            change()

    def _rebuild(self) -> None:
        with self._lock:
            zones = [o.record.zone(o.bridge) for o in self._open.values()]
            self.firewall.rebuild(zones, [f for held in self._forwards.values() for f in held])
            if any(one.record.isolated for one in self._open.values()):
                self.isolation.make()
                self.isolation.allow(self._links)

    def _begin(self) -> None:
        if enable_forwarding():
            log.info("net.ipv4.ip_forward was off; it is on now, for containers to reach anything")
        self.firewall.rebuild([], [])
        self._ready = True

    def restore(
        self, records: Sequence[NetworkRecord], forwards: Sequence[tuple[str, list[Forward]]]
    ) -> None:
        """Take up networks whose containers ran on: the table is made anew in one transaction."""
        with self._lock:
            enable_forwarding()
            for record in records:
                bridge = self._bridge(record)
                try:
                    self.links.make_bridge(bridge)
                except (WherryError, OSError) as error:
                    log.warning("network %s could not be restored: %s", record.name, error)
                    continue
                self._open[record.id] = _Open(bridge, record, _pool(record))
            self._forwards = dict(forwards)
            self._rebuild()
            self._ready = True

    def close_network(self, record: NetworkRecord) -> None:
        """Remove a network's bridge; raises NetworkInUseError while addresses of it are taken."""
        with self._lock:
            found = self._open.get(record.id)
            if found is None:
                # One with a name of the user's may be left by an engine that was killed.
                self.links.remove(record.bridge(self.naming.bridge(record.id)).name)
                return
            if found.pool.in_use:
                raise NetworkInUseError(record)
            self.firewall.remove_zone(record.zone(found.bridge))
            self.links.remove(found.bridge.name)
            del self._open[record.id]

    @property
    def in_use(self) -> bool:
        """True while there are bridges, whose packets the host has to forward."""
        return bool(self._open)

    def taken_subnets(self) -> list[Network]:
        """Return what no new network may overlap: what the host reaches, and other networks."""
        recorded = [parse_subnet(r.subnet) for r in self.records() if r.subnet]
        return [*recorded, *(n for n in self.links.covered() if n.prefixlen)]

    def take_address(self, record: NetworkRecord, wanted: str = "") -> Address:
        """Take an address of a network."""
        with self._lock:
            self.ensure(record)
            return self._open[record.id].pool.take(wanted)

    def note_address(self, record: NetworkRecord, address: str) -> None:
        """Mark an address as taken by a container that ran on."""
        with self._lock:
            if record.id in self._open:
                self._open[record.id].pool.note(address)

    def free_address(self, network_id: str, address: str) -> None:
        """Give an address back."""
        with self._lock:
            if network_id in self._open:
                self._open[network_id].pool.free(address)

    def plug(
        self, record: NetworkRecord, plug: Plug, namespace: Namespace, *, default: bool
    ) -> Bridge:
        """Connect a namespace to a network."""
        bridge = self.ensure(record)
        self.links.plug(bridge, plug, namespace, default=default)
        return bridge

    def route(self, record: NetworkRecord, namespace: Namespace) -> None:
        """Let the default route of a namespace go through a network that it is connected to."""
        self.links.set_default(self.ensure(record), namespace)

    def publish(self, owner: str, wanted: Sequence[Wanted], address: str) -> list[int]:
        """Hold ports of the host and forward them; all or none. Returns the host's ports."""
        chosen = self.ports.hold(owner, wanted)
        forwards = [
            Forward(one.protocol, one.address, number, address, one.port)
            for one, number in zip(wanted, chosen, strict=True)
        ]
        try:
            self._with_rules(lambda: self.firewall.publish(forwards))
        except BaseException:
            self.ports.release(owner)
            raise
        with self._lock:
            self._forwards[owner] = forwards
        return chosen

    def lead_elsewhere(self, owner: str, address: str) -> bool:
        """Lead an owner's published ports to another address; returns whether there are any."""
        with self._lock:
            old = self._forwards.get(owner, [])
            moved = [replace(forward, address=address) for forward in old]
            if moved != old:
                self._forwards[owner] = moved
                self.firewall.unpublish(old)
                self._with_rules(lambda: self.firewall.publish(moved))
            return bool(old)

    def unpublish(self, owner: str) -> None:
        """Let go of an owner's ports."""
        with self._lock:
            forwards = self._forwards.pop(owner, [])
        try:
            if forwards:
                self.firewall.unpublish(forwards)
        finally:
            self.ports.release(owner)

    def link(self, links: Mapping[Link, tuple[str, str]]) -> None:
        """Let containers reach ports of others in an isolated network; values are their ids."""
        with self._lock:
            self._links.update(links)
            self._with_rules(lambda: self.isolation.allow(links))

    def unlink(self, owner: str) -> None:
        """Take out what led from a container, and to it."""
        with self._lock:
            gone = [link for link, owners in self._links.items() if owner in owners]
            for link in gone:
                del self._links[link]
            if gone:
                self.isolation.refuse(gone)

    def sweep(self) -> None:
        """Remove what an engine that was killed left: bridges, and rules if nothing needs them."""
        with self._lock:
            known = {one.bridge.name for one in self._open.values()}
            left = [name for name in self.links.ours() if name not in known]
            if left and not known and not self._ready:
                # A port that leads to an address of nobody would be lost to the whole machine.
                self._remove_rules()
            for name in left:
                if name.startswith(self.naming.bridge_prefix):
                    self.links.remove(name)

    def _remove_rules(self) -> None:
        try:
            self.firewall.remove()
            self.isolation.remove()
        except UnavailableError:
            log.debug("no firewall rules to remove: there is no library that could make any")

    def tear_down(self) -> None:
        """Remove everything of this engine's from the kernel."""
        with self._lock:
            for one in self._open.values():
                self.links.remove(one.bridge.name)
            self._open.clear()
            for name in self.links.ours():
                self.links.remove(name)
            self._remove_rules()
            self._ready = False

    def close(self) -> None:
        """Let go of sockets, threads and libraries; the kernel keeps what it has."""
        self.resolver.close()
        self.ports.close()
        self.links.close()
        if self._firewall is not None:
            self._firewall.close()


def _pool(record: NetworkRecord) -> AddressPool:
    subnet = record.network()
    within = parse_subnet(record.ip_range) if record.ip_range else subnet
    reserved = {record.gateway_address(), *(parse_address(a) for a in record.auxiliary.values())}
    return AddressPool(subnet, within, reserved)
