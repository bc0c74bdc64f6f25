"""The network side of a container's life: check, open, connect, close, and changes while it runs.

`open` makes the namespace, takes addresses and writes the files of names; `connect` puts interfaces
into it and publishes ports. A start does other work between the two and beside the second.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from wherry.base.crossing import to_the_end
from wherry.base.errors import ConflictError, ForbiddenError, InternalError, WherryError
from wherry.base.ids import new_id
from wherry.engine.containers.record import Container
from wherry.engine.containers.table import ContainerTable
from wherry.engine.networks import files, modes
from wherry.engine.networks.fabric import make_namespace
from wherry.engine.networks.names import Names
from wherry.engine.networks.opened import Sandbox
from wherry.engine.networks.record import HOST, NetworkRecord
from wherry.engine.networks.service import Networks
from wherry.network import resolver
from wherry.network.addresses import parse_address
from wherry.network.firewall import Forward
from wherry.network.links import Plug
from wherry.network.namespaces import Namespace, entered, of_process
from wherry.network.ports import PortFailedError, PortTakenError, Wanted
from wherry.wire.container_config import EndpointSettings, NetworkingConfig, PortBinding

log = logging.getLogger(__name__)


class JoinError(ConflictError):
    """The container whose network is to be shared does not run."""


class PublishError(InternalError):
    """A port could not be published."""


class Sandboxes:
    """The verbs; see the module. `directory` tells where a container's files are."""

    def __init__(
        self, networks: Networks, table: ContainerTable, directory: Callable[[Container], str]
    ) -> None:
        self._networks = networks
        self._fabric = networks.fabric
        self._table = table
        self._directory = directory
        self._names = Names()
        # By container: what `open` has taken and `connect` has not yet made use of.
        self._opened: dict[str, Sandbox] = {}
        networks.sandboxes = self

    def check(self, record: Container, networking: NetworkingConfig | None) -> None:
        """Refuse a network configuration that makes no sense, and note the wanted endpoints."""
        modes.check_options(record)
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
        record.ports = _exposed(record)

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
        sandbox = Sandbox(make_namespace())
        try:
            for name, settings in record.networks.items():
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
            gateway="" if network.internal else str(network.gateway_address()),
            ip_address=str(address),
            ip_prefix_len=network.network().prefixlen,
            mac_address=plug.hardware_address(),
            dns_names=_names(record, settings) if network.user_defined else None,
        )

    def _write_files(
        self, record: Container, endpoints: dict[str, EndpointSettings], *, live: bool = False
    ) -> None:
        """Write hosts, hostname and resolv.conf; `live` ones in place, for they are mounted."""
        host, config = record.host_config, record.config
        same = host.network_mode == HOST
        told = resolver.settings_of_host() if same else resolver.settings_for_containers()
        fixed = _host_file("/etc/hosts") if same else ""
        embedded = resolver.ADDRESS if self._named(endpoints.values()) else ""
        addresses = [settings.ip_address for settings in endpoints.values()]
        gateway = next((s.gateway for s in endpoints.values() if s.gateway), "127.0.0.1")
        hostname = config.hostname or os.uname().nodename
        extra = [*(host.extra_hosts or ()), *self._links(host.links or ())]
        content = {
            "hosts": files.hosts(extra, addresses, hostname, config.domainname, gateway, fixed),
            "hostname": hostname + "\n",
            "resolv.conf": files.resolv_conf(
                told,
                embedded=embedded,
                servers=host.dns or (),
                search=host.dns_search or (),
                options=host.dns_options or (),
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

    def _named(self, endpoints: Iterable[EndpointSettings]) -> list[str]:
        """Return the networks of users' among endpoints' ones: their containers have names."""
        return [e.network_id for e in endpoints if e.dns_names is not None and e.ip_address]

    async def connect(
        self, sandbox: Sandbox, record: Container
    ) -> tuple[dict[str, EndpointSettings], dict[str, list[PortBinding] | None]]:
        """Attach every endpoint and publish ports; `close` takes back what was done on failure."""
        ports = await to_the_end(self._connect, sandbox, record)
        for name in sandbox.endpoints:
            self._networks.emit_endpoint(self._networks.find(name), "connect", record.id)
        return sandbox.endpoints, ports

    def _connect(self, sandbox: Sandbox, record: Container) -> dict[str, list[PortBinding] | None]:
        record.networks = {**record.networks, **sandbox.endpoints}
        self._opened.pop(record.id, None)
        ports = _exposed(record)
        if not sandbox.endpoints or sandbox.held is None:
            return ports
        routed = False
        for number, (name, settings) in enumerate(sandbox.endpoints.items()):
            network = self._networks.find(name)
            default = not routed and not network.internal
            self._plug(network, settings, f"eth{number}", sandbox.held, default=default)
            routed = routed or default
        if entrance := _entrance(sandbox.endpoints):
            ports |= self._publish(record, entrance)
        self._announce(record, sandbox.held)
        return ports

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
        wanted = modes.wanted_ports(record)
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
        published: dict[str, list[PortBinding] | None] = {}
        for (key, one), number in zip(wanted, numbers, strict=True):
            held = published.setdefault(key, [])
            assert held is not None
            held.append(PortBinding(one.address, str(number)))
        return published

    def _announce(self, record: Container, namespace: Namespace) -> None:
        """Give the container its names, and the resolver that knows them."""
        self._name(record)
        if self._named(record.networks.values()):
            answers = resolver.Answers(
                lambda name: self._lookup(record.id, name),
                lambda address: self._names.owner_of(self._networks_of(record.id), address),
                lambda: self._upstream(record.id),
            )
            self._fabric.resolver.serve(record.id, namespace.descriptor, answers)

    def _name(self, record: Container) -> None:
        for name, settings in record.networks.items():
            if settings.dns_names and settings.ip_address:
                self._names.add(
                    (settings.network_id, name), record.id, settings.dns_names, settings.ip_address
                )

    def renamed(self, record: Container) -> None:
        """Answer to a container's new name, and no longer to the old one."""
        record.networks = {
            name: msgspec.structs.replace(settings, dns_names=_names(record, settings))
            if settings.dns_names is not None
            else settings
            for name, settings in record.networks.items()
        }
        self._table.save(record)
        self._name(record)

    def _upstream(self, identifier: str) -> Sequence[str]:
        """Return the name servers that one container's foreign questions are passed on to.

        The engine asks for it: so a container on internal networks only, which is to reach nothing,
        reaches those on its networks alone. One on a container's own loopback is out of reach here.
        """
        record = self._table.get(identifier)
        if record is None:
            return ()
        given = [server for server in record.host_config.dns or () if not files.on_loopback(server)]
        servers = given if record.host_config.dns else resolver.host_resolvers()
        connected = [s for s in record.networks.values() if s.ip_address]
        if any(settings.gateway for settings in connected):
            return servers
        subnets = [
            ipaddress.ip_network(f"{s.ip_address}/{s.ip_prefix_len}", strict=False)
            for s in connected
        ]
        return [s for s in servers if any(ipaddress.ip_address(s) in subnet for subnet in subnets)]

    def _networks_of(self, identifier: str) -> list[str]:
        record = self._table.get(identifier)
        return self._named(record.networks.values()) if record else []

    def _lookup(self, identifier: str, name: str) -> list[str]:
        """Return the addresses of a name as one container knows it: its own links come first."""
        record = self._table.get(identifier)
        if record is None:
            return []
        for settings in record.networks.values():
            for link in settings.links or ():
                target, _, alias = link.partition(":")
                if name == (alias or target):
                    with contextlib.suppress(WherryError):
                        target = self._table.find(target).name
                    return self._names.find([settings.network_id], target)
        return self._names.find(self._named(record.networks.values()), name)

    async def close(self, record: Container) -> None:
        """Take back addresses and ports of a container that has ended; idempotent."""
        connected = [name for name, s in record.networks.items() if s.ip_address]
        if not connected and record.id not in self._opened:
            return
        await to_the_end(self._close, record)
        for name in connected:
            with contextlib.suppress(WherryError):
                self._networks.emit_endpoint(self._networks.find(name), "disconnect", record.id)

    def _close(self, record: Container) -> None:
        try:
            self._fabric.unpublish(record.id)
        except WherryError as error:
            # The end of a run must not wait for whatever is wrong with the firewall.
            log.warning("a published port of %s is still forwarded: %s", record.name, error)
        self._fabric.resolver.stop(record.id)
        left = self._opened.pop(record.id, None)
        for settings in left.endpoints.values() if left else ():
            self._fabric.free_address(settings.network_id, settings.ip_address)
        for name, settings in list(record.networks.items()):
            self._names.remove(settings.network_id, record.id)
            self._fabric.free_address(settings.network_id, settings.ip_address)
            record.networks[name] = modes.without_addresses(settings)
        record.ports = _exposed(record)

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
            forwards.append((str(record.id), _forwards(record)))
        if not used:
            return
        self._fabric.restore(list(used.values()), [held for held in forwards if held[1]])
        for record in records:
            for settings in record.networks.values():
                if settings.network_id in used:
                    self._fabric.note_address(used[settings.network_id], settings.ip_address)
            try:
                self._fabric.ports.hold(record.id, _held(record))
            except WherryError as error:
                log.warning("a port of container %s is held by another: %s", record.name, error)

    async def restore(self, record: Container) -> None:
        """Give names again to a container that ran on while the engine was away."""
        if self._named(record.networks.values()):
            await to_the_end(self._restore, record)

    def _restore(self, record: Container) -> None:
        with contextlib.closing(of_process(record.state.pid)) as namespace:
            self._announce(record, namespace)

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
            self._announce(record, namespace)
            undo.pop_all()
            namespace.close()
        return settings

    def _unplug(
        self, record: Container, network: NetworkRecord, settings: EndpointSettings
    ) -> None:
        """Take an endpoint away from a container that runs, or what there is of one."""
        self._names.remove(network.id, record.id)
        self._fabric.links.remove(self._fabric.naming.veth(settings.endpoint_id))
        self._fabric.free_address(network.id, settings.ip_address)
        record.networks = {n: s for n, s in record.networks.items() if n != network.name}

    def _publish_again(self, record: Container) -> None:
        """Lead published ports to where the container is reached now."""
        entrance = _entrance(record.networks)
        if entrance is None:
            self._fabric.unpublish(record.id)
            record.ports = _exposed(record)
        elif not self._fabric.lead_elsewhere(record.id, entrance.ip_address):
            record.ports = _exposed(record) | self._publish(record, entrance)

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
        self._networks.emit_endpoint(network, "disconnect", record.id)

    def _disconnect_live(
        self, record: Container, network: NetworkRecord, settings: EndpointSettings
    ) -> None:
        self._unplug(record, network, settings)
        self._publish_again(record)
        self._write_files(record, record.networks, live=True)
        if not self._named(record.networks.values()):
            self._fabric.resolver.stop(record.id)
        self._route_elsewhere(record, settings)

    def _route_elsewhere(self, record: Container, gone: EndpointSettings) -> None:
        """Give the container another default route when its own went with the endpoint."""
        other = next((n for n, s in record.networks.items() if s.gateway), None)
        if other is None or not gone.gateway:
            return
        with contextlib.closing(of_process(record.state.pid)) as namespace:
            self._fabric.route(self._networks.find(other), namespace)


def _entrance(endpoints: Mapping[str, EndpointSettings]) -> EndpointSettings | None:
    """Return where published ports lead to: the first network that is not internal."""
    return next((s for s in endpoints.values() if s.ip_address and s.gateway), None)


def _names(record: Container, settings: EndpointSettings) -> list[str]:
    """Return what a container is called on a network of users': its name first."""
    given = [record.name, *(settings.aliases or ()), record.id[:12], record.config.hostname]
    return list(dict.fromkeys(name for name in given if name))


def _exposed(record: Container) -> dict[str, list[PortBinding] | None]:
    """Return the ports as they are while nothing is published."""
    if modes.main_network(record) is None:
        return {}
    return {modes.normal_port(port): None for port in record.config.exposed_ports or ()}


def _held(record: Container) -> list[Wanted]:
    """Return the published ports of a container that runs, to be held again."""
    found = []
    for key, bindings in record.ports.items():
        number, _, protocol = key.partition("/")
        for binding in bindings or ():
            port = int(binding.host_port)
            found.append(Wanted(protocol, int(number), binding.host_ip, port, port))
    return found


def _forwards(record: Container) -> list[Forward]:
    entrance = _entrance(record.networks)
    if entrance is None:
        return []
    return [
        Forward(one.protocol, one.address, one.first, entrance.ip_address, one.port)
        for one in _held(record)
    ]


def _host_file(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
