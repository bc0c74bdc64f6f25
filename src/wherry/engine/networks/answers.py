"""What each container's questions are answered with: names of its networks, links, upstream."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Sequence

import msgspec

from wherry.base.errors import WherryError
from wherry.engine.containers.record import Container
from wherry.engine.containers.table import ContainerTable
from wherry.engine.networks import files
from wherry.engine.networks.names import Names
from wherry.engine.settings import Live
from wherry.network import resolver
from wherry.network.namespaces import Namespace
from wherry.wire.container_config import EndpointSettings


class NameService:
    """Names of containers on networks of users', told to the resolver. Thread-safe."""

    def __init__(
        self, table: ContainerTable, served: resolver.Resolver, live: Live | None = None
    ) -> None:
        self._live = live or Live()
        self._table = table
        self._resolver = served
        self._names = Names()
        # Those that no list shows, such as the steps of builds.
        self._unlisted: dict[str, Container] = {}

    def announce(self, record: Container, namespace: Namespace) -> None:
        """Give the container its names, and the resolver that knows them."""
        if self._table.get(record.id) is None:
            self._unlisted[record.id] = record
        self._note(record)
        if named(record.networks.values()):
            answers = resolver.Answers(
                lambda name: self._lookup(record.id, name),
                lambda address: self._names.owner_of(self._networks_of(record.id), address),
                lambda: self.upstream(record.id),
            )
            self._resolver.serve(record.id, namespace.descriptor, answers)

    def _note(self, record: Container) -> None:
        for name, settings in record.networks.items():
            if settings.dns_names and settings.ip_address:
                self._names.add(
                    (settings.network_id, name), record.id, settings.dns_names, settings.ip_address
                )

    def renamed(self, record: Container) -> None:
        """Answer to a container's new name, and no longer to the old one."""
        record.networks = {
            name: msgspec.structs.replace(settings, dns_names=names_of(record, settings))
            if settings.dns_names is not None
            else settings
            for name, settings in record.networks.items()
        }
        self._table.save(record)
        self._note(record)

    def upstream(self, identifier: str) -> Sequence[str]:
        """Return the name servers that one container's foreign questions are passed on to.

        The engine asks for it: so a container on internal networks only, which is to reach nothing,
        reaches those on its networks alone. One on a container's own loopback is out of reach here.
        """
        record = self._record(identifier)
        if record is None:
            return ()
        chosen = record.host_config.dns or self._live.current.containers.dns
        given = [server for server in chosen if not files.on_loopback(server)]
        servers = given if chosen else resolver.host_resolvers()
        connected = [s for s in record.networks.values() if s.ip_address]
        if any(settings.gateway for settings in connected):
            return servers
        subnets = [
            ipaddress.ip_network(f"{s.ip_address}/{s.ip_prefix_len}", strict=False)
            for s in connected
        ]
        return [s for s in servers if any(ipaddress.ip_address(s) in subnet for subnet in subnets)]

    def withdraw(self, network_id: str, container: str) -> None:
        """Forget what a container was called on a network."""
        self._names.remove(network_id, container)

    def forget(self, identifier: str) -> None:
        """Know no more of a container that has ended, if no list shows it."""
        self._unlisted.pop(identifier, None)

    def _record(self, identifier: str) -> Container | None:
        return self._table.get(identifier) or self._unlisted.get(identifier)

    def _networks_of(self, identifier: str) -> list[str]:
        record = self._record(identifier)
        return named(record.networks.values()) if record else []

    def _lookup(self, identifier: str, name: str) -> list[str]:
        """Return the addresses of a name as one container knows it: its own links come first."""
        record = self._record(identifier)
        if record is None:
            return []
        for settings in record.networks.values():
            for link in settings.links or ():
                target, _, alias = link.partition(":")
                if name == (alias or target):
                    with contextlib.suppress(WherryError):
                        target = self._table.find(target).name
                    return self._names.find([settings.network_id], target)
        return self._names.find(named(record.networks.values()), name)


def named(endpoints: Iterable[EndpointSettings]) -> list[str]:
    """Return the networks of users' among endpoints' ones: their containers have names."""
    return [e.network_id for e in endpoints if e.dns_names is not None and e.ip_address]


def names_of(record: Container, settings: EndpointSettings) -> list[str]:
    """Return what a container is called on a network of users': its name first."""
    given = [record.name, *(settings.aliases or ()), record.id[:12], record.config.hostname]
    return list(dict.fromkeys(name for name in given if name))
