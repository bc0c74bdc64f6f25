"""What --link opens between containers that are kept apart."""

from __future__ import annotations

from wherry.base.errors import NotFoundError
from wherry.base.ids import ContainerId
from wherry.engine.containers.record import Container, State
from wherry.engine.networks.legacy_links import of_container
from wherry.network.isolation import Link
from wherry.oci.digest import Digest
from wherry.wire.container_config import Config, EndpointSettings, HostConfig, PortBinding


def container(name: str, address: str, links: list[str], *exposed: str) -> Container:
    host = HostConfig(links=links)
    made = Container(
        ContainerId(name), name, 1, Config(exposed_ports={port: {} for port in exposed}), host,
        Digest(""), "", "sh", [], State(),
    )  # fmt: skip
    if address:
        made.networks = {"bridge": EndpointSettings(ip_address=address)}
    return made


class Known(dict[str, Container]):
    def find(self, name: str) -> Container:
        if name not in self:
            raise NotFoundError(name)
        return self[name]


def links(known: Known, name: str) -> dict[Link, tuple[str, str]]:
    return dict(of_container(known[name], known.values(), known.find))


def test_exposed_and_published_ports_of_a_linked_container_are_reached() -> None:
    known = Known(
        web=container("web", "10.0.0.2", ["db:database"]),
        db=container("db", "10.0.0.3", [], "5432/tcp", "53/udp"),
        other=container("other", "10.0.0.4", []),
    )
    known["db"].host_config.port_bindings = {"80": [PortBinding()]}
    expected = {
        Link("10.0.0.2", "10.0.0.3", "tcp", 5432): ("web", "db"),
        Link("10.0.0.2", "10.0.0.3", "udp", 53): ("web", "db"),
        Link("10.0.0.2", "10.0.0.3", "tcp", 80): ("web", "db"),
    }
    assert links(known, "web") == expected
    # The linked one was started again: others' links lead to its new address.
    assert links(known, "db") == expected
    assert links(known, "other") == {}


def test_who_does_not_run_or_has_gone_is_not_reached() -> None:
    known = Known(
        web=container("web", "10.0.0.2", ["db", "gone"]), db=container("db", "", [], "80/tcp")
    )
    assert links(known, "web") == {}
