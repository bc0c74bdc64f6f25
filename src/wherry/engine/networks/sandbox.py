"""The network side of a container's life: check, open, connect, close, and changes while it runs.

`open` makes the namespace, takes addresses and writes the files of names; `connect` puts interfaces
into it and publishes ports. A start does other work between the two and beside the second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable

import msgspec

from wherry.base.crossing import to_the_end
from wherry.base.errors import ConflictError, ForbiddenError, InternalError, WherryError
from wherry.base.ids import new_id
from wherry.engine.containers.record import Container
from wherry.engine.containers.table import ContainerTable
from wherry.engine.networks import files, legacy_links, modes, published
from wherry.engine.networks.answers import NameService, named, names_of
from wherry.engine.networks.opened import Sandbox
from wherry.engine.networks.record import BRIDGE, HOST, NetworkRecord
from wherry.engine.networks.service import Networks
from wherry.engine.settings import Live
from wherry.network import namespaces, resolver
from wherry.network.addresses import parse_address
from wherry.network.links import Plug
from wherry.network.namespaces import Namespace, entered, of_process
from wherry.network.ports import PortFailedError, PortTakenError
from wherry.wire.container_config import EndpointSettings, NetworkingConfig, PortBinding

log = logging.getLogger(__name__)


class JoinError(ConflictError):
    """The container whose network is to be shared does not run."""


class PublishError(InternalError):
    """A port could not be published."""


class Sandboxes:
    """The verbs; see the module. `directory` tells where a container's files are."""

    def __init__(
        self,
        networks: Networks,
        table: ContainerTable,
        directory: Callable[[Container], str],
        live: Live | None = None,
    ) -> None:
        self._live = live or Live()
        self._networks = networks
        self._fabric = networks.fabric
        self._table = table
        self._directory = directory
        self.names = NameService(table, networks.fabric.resolver, self._live)
        # By container: what `open` has taken and `connect` has not yet made use of.
        self._opened: dict[str, Sandbox] = {}
        networks.sandboxes = self

    def check(self, record: Container, networking: NetworkingConfig | None) -> None:
        """Refuse a network configuration that makes no sense, and note the wanted endpoints."""
        modes.check_options(record)
        if self._networks.bridge_disabled and modes.main_network(record) == BRIDGE:
            record.config.network_disabled = True
        joined = modes.joined_container(record.host_config.network_mode)
        if joined is not None:
            other = self._table.find(joined)
            # By its id, so that the name may go to somebody else meanwhile.
            record.host_config.network_mode = f"container:{other.id}"
            record.config.hostname = other.config.hostname
            record.config.domainname = other.config.domainname
        record.networks = modes.wanted_endpoints(record, networking, self._networks.find)
        main = next(iter(record.networks.values()), None)
        if main is not None and record.config.mac_address and not main.mac_address:
            main.mac_address = record.config.mac_address
        for name, settings in record.networks.items():
            if settings.mac_address:
                record.hardware_addresses[name] = settings.mac_address
        record.ports = published.exposed(record)

    async def open(self, record: Container) -> Sandbox:
        """Make or find the namespace, take addresses and write the files of names.

        `close` gives the addresses back whether or not `connect` was called.
        """
        try:
            return await to_the_end(self._open, record)
        except asyncio.CancelledError:
            if opened := self._opened.get(record.id):
                opened.release()
                await self.close(record)
            raise

    def _open(self, record: Container) -> Sandbox:
        mode = record.host_config.network_mode
        if mode == HOST:
            self._write_files(record, {})
            return Sandbox(None)
        joined = modes.joined_container(mode)
        if joined is not None:
            sandbox = self._join(record, self._table.find(joined))
            self._opened[record.id] = sandbox
            return sandbox
        sandbox = Sandbox(namespaces.make())
        try:
            for name, settings in record.networks.items():
                if name == BRIDGE and self._networks.bridge_disabled:
                    continue
                network = self._networks.with_subnet(self._networks.find(name))
                sandbox.endpoints[name] = self._endpoint(record, network, settings)
            self._write_files(record, sandbox.endpoints)
        except BaseException:
            for settings in sandbox.endpoints.values():
                self._fabric.free_address(settings.network_id, settings.ip_address)
            sandbox.release()
            raise
        self._opened[record.id] = sandbox
        return sandbox

    def _join(self, record: Container, other: Container) -> Sandbox:
        if not other.state.running:
            raise JoinError(f"cannot join network of a non running container: {other.id}")
        for name in ("hosts", "hostname", "resolv.conf"):
            path = f"{self._directory(record)}/{name}"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            # One file under two names: what is written for the one is seen by the other.
            os.link(f"{self._directory(other)}/{name}", path)
        return Sandbox(entered(f"/proc/{other.state.pid}/ns/net"))

    def _endpoint(
        self, record: Container, network: NetworkRecord, settings: EndpointSettings
    ) -> EndpointSettings:
        """Take an address and return the endpoint as it will be."""
        chosen = settings.ipam_config.ipv4_address if settings.ipam_config else ""
        address = self._fabric.take_address(network, chosen)
        plug = Plug("", "", address, record.hardware_addresses.get(network.name, ""))
        return msgspec.structs.replace(
            settings,
            network_id=network.id,
            endpoint_id=new_id(),
            gateway="" if network.internal else str(network.router_address()),
            ip_address=str(address),
            ip_prefix_len=network.network().prefixlen,
            mac_address=plug.hardware_address(),
            dns_names=names_of(record, settings) if network.user_defined else None,
        )

    def _write_files(
        self, record: Container, endpoints: dict[str, EndpointSettings], *, live: bool = False
    ) -> None:
        """Write hosts, hostname and resolv.conf; `live` ones in place, for they are mounted."""
        host, config = record.host_config, record.config
        same = host.network_mode == HOST
        told = resolver.settings_of_host() if same else resolver.settings_for_containers()
        fixed = _host_file("/etc/hosts") if same else ""
        embedded = resolver.ADDRESS if named(endpoints.values()) else ""
        addresses = [settings.ip_address for settings in endpoints.values()]
        gateway = next((s.gateway for s in endpoints.values() if s.gateway), "127.0.0.1")
        hostname = config.hostname or os.uname().nodename
        defaults = self._live.current.containers
        extra = [*(host.extra_hosts or ()), *self._links(host.links or ())]
        content = {
            "hosts": files.hosts(extra, addresses, hostname, config.domainname, gateway, fixed),
            "hostname": hostname + "\n",
            "resolv.conf": files.resolv_conf(
                told,
                embedded=embedded,
                servers=host.dns or defaults.dns,
                search=host.dns_search or defaults.dns_search,
                options=host.dns_options or defaults.dns_options,
                loopback=same,
            ),
        }
        for name, text in content.items():
            path = f"{self._directory(record)}/{name}"
            if not live:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)

    def _links(self, links: Iterable[str]) -> Iterable[str]:
        """Return lines for the hosts file of what --link names on the default bridge."""
        for link in links:
            name, _, alias = link.partition(":")
            other = self._table.find(name)
            for settings in other.networks.values():
                if settings.ip_address:
                    yield f"{alias.rpartition('/')[2] or other.name}={settings.ip_address}"

    async def connect(
        self, sandbox: Sandbox, record: Container
    ) -> tuple[dict[str, EndpointSettings], dict[str, list[PortBinding] | None]]:
        """Attach every endpoint and publish ports; `close` takes back what was done on failure."""
        ports = await to_the_end(self._connect, sandbox, record)
        for name in sandbox.endpoints:
            self._tell(record, name, "connect")
        return sandbox.endpoints, ports

    def _tell(self, record: Container, network: str, action: str) -> None:
        """Make an event of a connection, unless no list shows the container."""
        if self._table.get(record.id) is not None:
            self._networks.emit_endpoint(self._networks.find(network), action, record.id)

    def _connect(self, sandbox: Sandbox, record: Container) -> dict[str, list[PortBinding] | None]:
        record.networks = {**record.networks, **sandbox.endpoints}
        self._opened.pop(record.id, None)
        ports = published.exposed(record)
        if not sandbox.endpoints or sandbox.held is None:
            return ports
        routed = False
        for number, (name, settings) in enumerate(sandbox.endpoints.items()):
            network = self._networks.find(name)
            default = not routed and not network.internal
            self._plug(network, settings, f"eth{number}", sandbox.held, default=default)
            routed = routed or default
        if entrance := published.entrance(sandbox.endpoints):
            ports |= self._publish(record, entrance)
        self._link(record)
        self.names.announce(record, sandbox.held)
        return ports

    def _link(self, record: Container) -> None:
        """Let linked containers through where those of the default bridge are kept apart."""
        settings = record.networks.get(BRIDGE)
        if settings and settings.ip_address and self._networks.find(BRIDGE).isolated:
            self._fabric.link(legacy_links.of_container(record, self._table, self._table.find))

    def _plug(
        self,
        network: NetworkRecord,
        settings: EndpointSettings,
        interface: str,
        namespace: Namespace,
        *,
        default: bool,
    ) -> None:
        port = self._fabric.naming.veth(settings.endpoint_id)
        address = parse_address(settings.ip_address)
        plug = Plug(port, interface, address, settings.mac_address)
        self._fabric.plug(network, plug, namespace, default=default)

    def _publish(
        self, record: Container, endpoint: EndpointSettings
    ) -> dict[str, list[PortBinding] | None]:
        binding = self._networks.find(endpoint.network_id).binding
        wanted = modes.wanted_ports(record, binding)
        if not wanted:
            return {}
        try:
            numbers = self._fabric.publish(
                record.id, [one for _, one in wanted], endpoint.ip_address
            )
        except (PortTakenError, PortFailedError) as error:
            raise PublishError(
                "driver failed programming external connectivity on endpoint"
                f" {record.name} ({endpoint.endpoint_id}): {error}"
            ) from error
        bound: dict[str, list[PortBinding] | None] = {}
        for (key, one), number in zip(wanted, numbers, strict=True):
            held = bound.setdefault(key, [])
            assert held is not None
            held.append(PortBinding(one.address, str(number)))
        return bound

    async def close(self, record: Container) -> None:
        """Take back addresses and ports of a container that has ended; idempotent."""
        connected = [name for name, s in record.networks.items() if s.ip_address]
        if not connected and record.id not in self._opened:
            return
        await to_the_end(self._close, record)
        for name in connected:
            with contextlib.suppress(WherryError):
                self._tell(record, name, "disconnect")

    def _close(self, record: Container) -> None:
        try:
            self._fabric.unpublish(record.id)
        except WherryError as error:
            # The end of a run must not wait for whatever is wrong with the firewall.
            log.warning("a published port of %s is still forwarded: %s", record.name, error)
        self._fabric.unlink(record.id)
        self._fabric.resolver.stop(record.id)
        self.names.forget(record.id)
        left = self._opened.pop(record.id, None)
        for settings in left.endpoints.values() if left else ():
            self._fabric.free_address(settings.network_id, settings.ip_address)
        for name, settings in list(record.networks.items()):
            self.names.withdraw(settings.network_id, record.id)
            self._fabric.free_address(settings.network_id, settings.ip_address)
            record.networks[name] = modes.without_addresses(settings)
        record.ports = published.exposed(record)

    def restore_all(self) -> None:
        """Take up bridges, rules, addresses and ports of whatever had them; blocking."""
        records = [r for r in self._table if any(s.ip_address for s in r.networks.values())]
        used: dict[str, NetworkRecord] = {}
        forwards = []
        for record in records:
            for name in record.networks:
                with contextlib.suppress(WherryError):
                    network = self._networks.find(name)
                    used[network.id] = network
            forwards.append((str(record.id), published.forwards(record)))
        if not used:
            return
        self._fabric.restore(list(used.values()), [held for held in forwards if held[1]])
        for record in records:
            for settings in record.networks.values():
                if settings.network_id in used:
                    self._fabric.note_address(used[settings.network_id], settings.ip_address)
            try:
                self._fabric.ports.hold(record.id, published.held(record))
            except WherryError as error:
                log.warning("a port of container %s is held by another: %s", record.name, error)
            self._link(record)

    async def restore(self, record: Container) -> None:
        """Give names again to a container that ran on while the engine was away."""
        if named(record.networks.values()):
            await to_the_end(self._restore, record)

    def _restore(self, record: Container) -> None:
        with contextlib.closing(of_process(record.state.pid)) as namespace:
            self.names.announce(record, namespace)

    async def connect_live(
        self, record: Container, network: NetworkRecord, settings: EndpointSettings
    ) -> None:
        """Connect a container to one more network, at once if it runs; its lock is held."""
        if record.networks.get(network.name) is not None:
            raise ForbiddenError(
                f"endpoint with name {record.name} already exists in network {network.name}"
            )
        if modes.main_network(record) is None:
            raise ConflictError(
                "container sharing network namespace with another container or host, or with none,"
                f" cannot be connected to any other network: {record.name}"
            )
        if network.driver != "bridge":
            raise ConflictError(f"container cannot be connected to {network.name} network")
        wanted = modes.checked(settings, network)
        if wanted.mac_address:
            record.hardware_addresses[network.name] = wanted.mac_address
        if record.state.running:
            wanted = await to_the_end(self._connect_live, record, network, wanted)
        record.networks = {**record.networks, network.name: wanted}
        self._table.save(record)
        await self._table.flushed()
        self._networks.emit_endpoint(network, "connect", record.id)

    def _connect_live(
        self, record: Container, network: NetworkRecord, wanted: EndpointSettings
    ) -> EndpointSettings:
        self._networks.with_subnet(network)
        settings = self._endpoint(record, network, wanted)
        with contextlib.ExitStack() as undo:
            undo.callback(self._unplug, record, network, settings)
            namespace = undo.enter_context(contextlib.closing(of_process(record.state.pid)))
            used = {link.name for link in namespace.netlink.links()}
            interface = next(f"eth{n}" for n in range(len(used) + 1) if f"eth{n}" not in used)
            routed = any(s.gateway for s in record.networks.values())
            default = not routed and not network.internal
            self._plug(network, settings, interface, namespace, default=default)
            record.networks = {**record.networks, network.name: settings}
            self._write_files(record, record.networks, live=True)
            self._publish_again(record)
            self._link(record)
            self.names.announce(record, namespace)
            undo.pop_all()
            namespace.close()
        return settings

    def _unplug(
        self, record: Container, network: NetworkRecord, settings: EndpointSettings
    ) -> None:
        """Take an endpoint away from a container that runs, or what there is of one."""
        self.names.withdraw(network.id, record.id)
        if network.name == BRIDGE:
            self._fabric.unlink(record.id)
        self._fabric.links.remove(self._fabric.naming.veth(settings.endpoint_id))
        self._fabric.free_address(network.id, settings.ip_address)
        record.networks = {n: s for n, s in record.networks.items() if n != network.name}

    def _publish_again(self, record: Container) -> None:
        """Lead published ports to where the container is reached now."""
        entrance = published.entrance(record.networks)
        if entrance is None:
            self._fabric.unpublish(record.id)
            record.ports = published.exposed(record)
        elif not self._fabric.lead_elsewhere(record.id, entrance.ip_address):
            record.ports = published.exposed(record) | self._publish(record, entrance)

    async def disconnect_live(self, record: Container, network: NetworkRecord) -> None:
        """Disconnect a container from a network; its lock is held."""
        settings = record.networks.get(network.name)
        if settings is None:
            raise ForbiddenError(
                f"container {record.id} is not connected to network {network.name}"
            )
        if record.state.running:
            await to_the_end(self._disconnect_live, record, network, settings)
        record.networks = {n: s for n, s in record.networks.items() if n != network.name}
        record.hardware_addresses.pop(network.name, None)
        self._table.save(record)
        await self._table.flushed()
        self._networks.emit_endpoint(network, "disconnect", record.id)

    def _disconnect_live(
        self, record: Container, network: NetworkRecord, settings: EndpointSettings
    ) -> None:
        self._unplug(record, network, settings)
        self._publish_again(record)
        self._write_files(record, record.networks, live=True)
        if not named(record.networks.values()):
            self._fabric.resolver.stop(record.id)
        self._route_elsewhere(record, settings)

    def _route_elsewhere(self, record: Container, gone: EndpointSettings) -> None:
        """Give the container another default route when its own went with the endpoint."""
        other = next((n for n, s in record.networks.items() if s.gateway), None)
        if other is None or not gone.gateway:
            return
        with contextlib.closing(of_process(record.state.pid)) as namespace:
            self._fabric.route(self._networks.find(other), namespace)


def _host_file(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
