"""What --link lets through where containers of the default bridge are kept apart: pure.

A linked container's exposed ports can be reached by the one that names it, and nothing else
(dockerd with icc=false). On networks of users' links are names only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from wherry.base.errors import NotFoundError
from wherry.engine.containers.record import Container
from wherry.engine.networks import modes
from wherry.engine.networks.record import BRIDGE
from wherry.network.isolation import Link


def of_container(
    record: Container, others: Iterable[Container], find: Callable[[str], Container]
) -> Mapping[Link, tuple[str, str]]:
    """Return the links from a container that runs, and those that others have to it.

    The values are ids: who may reach, and whom.
    """
    found = dict(_to(record, _targets(record, find)))
    for other in others:
        if other.id != record.id and any(one.id == record.id for one in _targets(other, find)):
            found.update(_to(other, [record]))
    return found


def _targets(record: Container, find: Callable[[str], Container]) -> list[Container]:
    found = []
    for link in record.host_config.links or ():
        try:
            found.append(find(link.partition(":")[0].removeprefix("/")))
        except NotFoundError:
            continue  # it has been removed: nobody to reach
    return found


def _to(record: Container, targets: Iterable[Container]) -> Iterator[tuple[Link, tuple[str, str]]]:
    source = _address(record)
    for target in targets:
        address = _address(target)
        for protocol, port in _exposed(target) if source and address else ():
            yield Link(source, address, protocol, port), (record.id, target.id)


def _address(record: Container) -> str:
    settings = record.networks.get(BRIDGE)
    return settings.ip_address if settings else ""


def _exposed(record: Container) -> list[tuple[str, int]]:
    ports = {**(record.config.exposed_ports or {}), **(record.host_config.port_bindings or {})}
    found = [modes.split_port(port) for port in ports]
    return [(protocol, number) for number, protocol in found]
