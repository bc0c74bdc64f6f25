"""The verbs of networks, and the three that are always there: bridge, host and none."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from wherry.base.crossing import to_the_end
from wherry.base.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnsupportedError,
)
from wherry.base.ids import NetworkId, new_id
from wherry.engine.containers.filters import label_matches, parse_until, passes
from wherry.engine.containers.record import Container
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.networks import default_bridge
from wherry.engine.networks.fabric import Fabric, NetworkInUseError, NoSuchNetworkError
from wherry.engine.networks.record import (
    BRIDGE,
    HOST,
    NONE,
    PREDEFINED,
    NetworkRecord,
    check_options,
)
from wherry.engine.settings import Live
from wherry.network.addresses import (
    DEFAULT_POOLS,
    Network,
    choose_subnet,
    first_address,
    parse_address,
    parse_subnet,
)
from wherry.oci.reading import read
from wherry.store.metadata.records import NameTakenError, Records
from wherry.wire.container_config import EndpointSettings
from wherry.wire.requests import IPAMPool, NetworkCreate
from wherry.wire.times import rfc3339_nano

if TYPE_CHECKING:
    from wherry.engine.networks.sandbox import Sandboxes

log = logging.getLogger(__name__)

_LONGEST_PREFIX = 30
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


class Networks:
    """All networks. Verbs are for the event loop; `find` and iteration are from memory."""

    def __init__(
        self,
        records: Records,
        table: ContainerTable,
        events: Events,
        engine_id: str,
        live: Live | None = None,
    ) -> None:
        self._live = live or Live()
        self._records = records
        self._table = table
        self._events = events
        self._by_id: dict[str, NetworkRecord] = {}
        # From the choice of a subnet until it is recorded: others would choose the same.
        self._planning = threading.Lock()
        for _, _, body in records.all():
            network = read(body, NetworkRecord)
            self._by_id[network.id] = network
        self.fabric = Fabric(engine_id, lambda: list(self._by_id.values()))
        self.sandboxes: Sandboxes | None = None
        self._make_predefined()

    def _make_predefined(self) -> None:
        names = {network.name for network in self._by_id.values()}
        for name, driver in ((BRIDGE, "bridge"), (HOST, "host"), (NONE, "null")):
            if name in names or (name == BRIDGE and self.bridge_disabled):
                continue
            made = NetworkRecord(NetworkId(new_id()), name, driver, time.time_ns())
            self._insert(made)

    @property
    def bridge_disabled(self) -> bool:
        """True where the settings want no default bridge."""
        return self._live.current.networks.bridge == default_bridge.DISABLED

    def configure(self) -> None:
        """Make the default bridge what the settings say, unless containers are attached to it.

        Blocking; for a start, when it is known which containers run. Raises InvalidError.
        """
        check_options(self._live.current.networks.bridge_options)
        found = next((network for network in self if network.name == BRIDGE), None)
        if found is None:
            return
        wanted = self._planned_bridge(found, self.fabric.links.usual_mtu())
        if wanted == found:
            return
        try:
            if found.subnet:
                self.fabric.close_network(found)
        except NetworkInUseError:
            # That the machine's uplink is another one now is nothing that anybody has set.
            if self._planned_bridge(found, found.mtu) != found:
                log.warning(
                    "there are running containers on the default bridge: its new settings take"
                    " effect at the first start without them"
                )
            return
        if wanted is None:
            self._forget(found)
            return
        self._by_id[wanted.id] = wanted
        self._records.put(wanted.id, wanted.name, msgspec.json.encode(wanted))

    def _planned_bridge(self, found: NetworkRecord, mtu: int) -> NetworkRecord | None:
        if self.bridge_disabled:
            return None
        settings, name = self._live.current.networks, self.fabric.naming.bridge(found.id)
        wanted = default_bridge.planned(found, settings, name, mtu)
        if wanted.auxiliary and not wanted.subnet:
            # Whether the gateway is in it must be known now.
            self._choose(wanted, self.fabric.taken_subnets())
        if wanted.subnet:
            default_bridge.check(wanted, [one for one in self if one.id != found.id])
        return wanted

    def _choose(self, network: NetworkRecord, taken: Sequence[Network]) -> None:
        given = default_bridge.pools(self._live.current.networks)
        subnet = choose_subnet(taken, given or DEFAULT_POOLS)
        network.subnet, network.gateway = str(subnet), str(first_address(subnet))

    def _insert(self, network: NetworkRecord) -> None:
        try:
            self._records.insert(network.id, network.name, msgspec.json.encode(network))
        except NameTakenError as error:
            raise ConflictError(f"network with name {network.name} already exists") from error
        self._by_id[network.id] = network

    def __iter__(self) -> Iterator[NetworkRecord]:
        return iter(list(self._by_id.values()))

    def find(self, reference: str) -> NetworkRecord:
        """Return a network by name, id or unique prefix of the id."""
        if found := self._by_id.get(reference):
            return found
        for network in self:  # a copy: threads look here, too
            if network.name == reference:
                return network
        matching = [n for n in self if reference and n.id.startswith(reference)]
        if len(matching) > 1:
            raise InvalidError(
                f"network {reference} is ambiguous ({len(matching)} matches found on ID prefix)"
            )
        if not matching:
            raise NoSuchNetworkError(reference)
        return matching[0]

    def with_subnet(self, network: NetworkRecord) -> NetworkRecord:
        """Give the default bridge a subnet that is free on this machine, the first time it is used.

        Blocking. Other networks got theirs when they were made.
        """
        if network.driver != "bridge" or network.subnet:
            return network
        with self._planning:
            if not network.subnet:
                self._choose(network, self.fabric.taken_subnets())
                self._records.put(network.id, network.name, msgspec.json.encode(network))
        return network

    async def create(self, wanted: NetworkCreate) -> tuple[str, str]:
        """Make a network; returns its id and a warning."""
        if not _NAME.fullmatch(wanted.name):
            raise InvalidError(
                f"invalid network name {wanted.name!r}: [a-zA-Z0-9][a-zA-Z0-9_.-]* is allowed"
            )
        if wanted.name in (*PREDEFINED, "default"):
            raise ForbiddenError(f"operation is not permitted on predefined {wanted.name} network")
        if any(network.name == wanted.name for network in self):
            raise ConflictError(f"network with name {wanted.name} already exists")
        if wanted.driver not in ("", "bridge", "default"):
            raise NotFoundError(f'plugin "{wanted.driver}" not found: there is only bridge')
        if wanted.enable_ipv6:
            raise UnsupportedError("IPv6 networks are not supported: leave --ipv6 out")
        if wanted.enable_ipv4 is False:
            raise UnsupportedError("networks without IPv4 are not supported: leave --ipv4 out")
        if wanted.ingress:
            raise UnsupportedError(
                "there are no swarms and no networks for them: leave --ingress out"
            )
        if wanted.config_only or (wanted.config_from is not None and wanted.config_from.network):
            raise UnsupportedError(
                "networks that are configurations of others are not supported: give the"
                " configuration itself"
            )
        network = await to_the_end(self._make, wanted)
        self._emit(network, "create")
        return network.id, ""

    def _make(self, wanted: NetworkCreate) -> NetworkRecord:
        with self._planning:
            network = self._planned(wanted)
            self._insert(network)
        try:
            self.fabric.ensure(network)
        except BaseException:
            self._forget(network)
            raise
        return network

    def _planned(self, wanted: NetworkCreate) -> NetworkRecord:
        ipam = wanted.ipam
        if ipam is not None and ipam.driver not in ("", "default"):
            raise NotFoundError(f'plugin "{ipam.driver}" not found: there is only default')
        pools = list((ipam.config if ipam else None) or ())
        if any(not pool.subnet and (pool.gateway or pool.ip_range) for pool in pools):
            raise InvalidError("invalid subnet: a gateway or a range is of no use without a subnet")
        pools = [pool for pool in pools if pool.subnet]
        if len(pools) > 1:
            raise UnsupportedError("a bridge network has one IPv4 subnet")
        options = {**self._live.current.networks.bridge_options, **(wanted.options or {})}
        check_options(options)
        made = NetworkRecord(
            self._new_id(),
            wanted.name,
            "bridge",
            time.time_ns(),
            internal=wanted.internal,
            attachable=wanted.attachable,
            options=options,
            ipam_options=(ipam.options if ipam else None) or {},
            labels=wanted.labels or {},
        )
        if made.chosen_bridge and self._has_bridge(made.chosen_bridge):
            raise ConflictError(
                f"bridge name {made.chosen_bridge} is taken by an interface of this machine"
            )
        if pools:
            self._plan_given(made, pools[0])
        else:
            self._choose(made, self.fabric.taken_subnets())
        return made

    def _new_id(self) -> NetworkId:
        """Return an id whose bridge has a name of its own: that has only six digits of it."""
        bridge = self.fabric.naming.bridge
        taken = {bridge(network.id) for network in self}
        return NetworkId(next(i for i in iter(new_id, "") if bridge(i) not in taken))

    def _has_bridge(self, name: str) -> bool:
        return self.fabric.links.exists(name) or any(n.chosen_bridge == name for n in self)

    def _plan_given(self, made: NetworkRecord, pool: IPAMPool) -> None:
        subnet = parse_subnet(pool.subnet)
        if subnet.prefixlen > _LONGEST_PREFIX:
            raise InvalidError(
                f"invalid subnet {subnet}: besides the gateway it has no address for a container"
            )
        for taken in self.fabric.taken_subnets():
            if subnet.overlaps(taken):
                raise ForbiddenError(
                    f"Pool overlaps with other one on this address space: {subnet} and {taken}"
                )
        made.subnet, made.chosen_subnet = str(subnet), True
        gateway = parse_address(pool.gateway) if pool.gateway else first_address(subnet)
        if gateway not in subnet:
            raise InvalidError(f"invalid gateway {gateway}: it is not in {subnet}")
        made.gateway = str(gateway)
        if pool.ip_range:
            if not parse_subnet(pool.ip_range).subnet_of(subnet):
                raise InvalidError(f"invalid range {pool.ip_range}: it is not in {subnet}")
            made.ip_range = pool.ip_range
        made.auxiliary = pool.auxiliary or {}
        for name, address in made.auxiliary.items():
            if parse_address(address) not in subnet:
                raise InvalidError(f"invalid auxiliary address {name}={address}: not in {subnet}")

    def _forget(self, network: NetworkRecord) -> None:
        self._by_id.pop(network.id, None)
        self._records.delete(network.id)

    async def list(self, filters: Mapping[str, Sequence[str]]) -> Sequence[Mapping[str, Any]]:
        """Return the networks that pass the filters."""
        return [
            self._shown(network, containers=False)
            for network in self
            if self._passes(network, filters)
        ]

    def _passes(self, network: NetworkRecord, filters: Mapping[str, Sequence[str]]) -> bool:
        return passes(network.labels, filters, lambda key, text: self._matches(network, key, text))

    def _matches(self, network: NetworkRecord, key: str, text: str) -> bool:
        if key == "dangling":
            dangling = network.user_defined and not self.members(network)
            return dangling == (text in ("1", "true"))
        if key == "name":
            return text in network.name
        if key == "id":
            return network.id.startswith(text)
        shown = {
            "driver": network.driver,
            "scope": "local",
            "type": "custom" if network.user_defined else "builtin",
        }
        return shown.get(key) == text

    async def inspect(self, ref: str) -> Mapping[str, Any]:
        """Return one network, with the containers that run on it."""
        return self._shown(self.find(ref), containers=True)

    def members(self, network: NetworkRecord) -> Sequence[tuple[Container, EndpointSettings]]:
        """Return the containers that have an endpoint on a network, running or not."""
        found = []
        for record in self._table:
            for name, settings in record.networks.items():
                if network.id == settings.network_id or name == network.name:
                    found.append((record, settings))
        return found

    def _shown(self, network: NetworkRecord, *, containers: bool) -> Mapping[str, Any]:
        running = [(r, s) for r, s in self.members(network) if r.state.running and containers]
        pool = {"Subnet": network.subnet, "Gateway": network.gateway}
        if network.ip_range:
            pool["IPRange"] = network.ip_range
        config = [pool | ({"AuxiliaryAddresses": network.auxiliary} if network.auxiliary else {})]
        return {
            "Name": network.name,
            "Id": network.id,
            "Created": rfc3339_nano(network.created),
            "Scope": "local",
            "Driver": network.driver,
            "EnableIPv4": True,
            "EnableIPv6": False,
            "IPAM": {
                "Driver": "default",
                "Options": network.ipam_options or None,
                "Config": config if network.subnet else [],
            },
            "Internal": network.internal,
            "Attachable": network.attachable,
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": False,
            "Containers": {
                record.id: {
                    "Name": record.name,
                    "EndpointID": settings.endpoint_id,
                    "MacAddress": settings.mac_address,
                    "IPv4Address": f"{settings.ip_address}/{settings.ip_prefix_len}"
                    if settings.ip_address
                    else "",
                    "IPv6Address": "",
                }
                for record, settings in running
            },
            "Options": network.options,
            "Labels": network.labels,
        }

    async def remove(self, ref: str) -> None:
        """Remove a network that no container runs on."""
        network = self.find(ref)
        if not network.user_defined:
            raise ForbiddenError(f"{network.name} is a pre-defined network and cannot be removed")
        if any(record.state.running for record, _ in self.members(network)):
            raise NetworkInUseError(network)
        await to_the_end(self._remove, network)
        self._emit(network, "destroy")

    def _remove(self, network: NetworkRecord) -> None:
        # Forgotten first: no container that is being started finds it again.
        self._forget(network)
        try:
            self.fabric.close_network(network)
        except BaseException:
            self._insert(network)
            raise

    async def connect(self, ref: str, container: str, settings: EndpointSettings | None) -> None:
        """Connect a container, running or not."""
        assert self.sandboxes is not None
        network, record = self.find(ref), self._table.find(container)
        async with self._table.lock(record):
            await self.sandboxes.connect_live(record, network, settings or EndpointSettings())

    async def disconnect(self, ref: str, container: str, force: bool) -> None:
        """Disconnect a container; with `force` one that has gone is no error."""
        assert self.sandboxes is not None
        network = self.find(ref)
        try:
            record = self._table.find(container)
        except NotFoundError:
            if force:
                return
            raise
        async with self._table.lock(record):
            await self.sandboxes.disconnect_live(record, network)

    async def prune(self, filters: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """Remove every network of users' that no container has an endpoint on."""
        before = [parse_until(text, time.time_ns()) for text in filters.get("until", ())]
        removed = []
        for network in self:
            unused = network.user_defined and not self.members(network)
            young = any(network.created > limit for limit in before)
            if not unused or young or not label_matches(network.labels, filters):
                continue
            with contextlib.suppress(NotFoundError, NetworkInUseError):  # meanwhile
                await self.remove(network.id)
                removed.append(network.name)
        return removed

    def emit_endpoint(self, network: NetworkRecord, action: str, container: str) -> None:
        """Tell that a container was connected or disconnected."""
        attributes = {"container": container, "name": network.name, "type": network.driver}
        self._events.emit("network", action, network.id, attributes)

    def _emit(self, network: NetworkRecord, action: str) -> None:
        attributes = {"name": network.name, "type": network.driver}
        self._events.emit("network", action, network.id, attributes)

    def sweep(self) -> None:
        """Remove what a crash left in the kernel; blocking."""
        self.fabric.sweep()

    def teardown(self) -> None:
        """Take everything out of the kernel; blocking. For an engine without running containers."""
        self.fabric.tear_down()

    def close(self) -> None:
        """Let go of sockets and threads."""
        self.fabric.close()
