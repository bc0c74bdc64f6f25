"""A container's ports: wanted, published, held again after a restart. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.engine.containers.record import Container
from wherry.engine.networks import modes
from wherry.network.firewall import Forward
from wherry.network.ports import Wanted
from wherry.wire.container_config import EndpointSettings, PortBinding


def entrance(endpoints: Mapping[str, EndpointSettings]) -> EndpointSettings | None:
    """Return where published ports lead to: the first network that is not internal."""
    return next((s for s in endpoints.values() if s.ip_address and s.gateway), None)


def exposed(record: Container) -> dict[str, list[PortBinding] | None]:
    """Return the ports as they are while nothing is published."""
    if modes.main_network(record) is None:
        return {}
    return {modes.normal_port(port): None for port in record.config.exposed_ports or ()}


def held(record: Container) -> list[Wanted]:
    """Return the published ports of a container that runs, to be held again."""
    found = []
    for key, bindings in record.ports.items():
        number, _, protocol = key.partition("/")
        for binding in bindings or ():
            port = int(binding.host_port)
            found.append(Wanted(protocol, int(number), binding.host_ip, port, port))
    return found


def forwards(record: Container) -> list[Forward]:
    """Return what the firewall forwards for a container that runs."""
    way_in = entrance(record.networks)
    if way_in is None:
        return []
    return [
        Forward(one.protocol, one.address, one.first, way_in.ip_address, one.port)
        for one in held(record)
    ]
