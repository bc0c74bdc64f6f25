"""What --network, --ip and --publish mean, and which wishes contradict each other."""

from __future__ import annotations

import pytest

from wherry.base.errors import ConflictError, InvalidError, UnsupportedError, WherryError
from wherry.base.ids import ContainerId, NetworkId
from wherry.engine.containers.record import Container, State
from wherry.engine.networks import modes
from wherry.engine.networks.record import NetworkRecord
from wherry.oci.digest import digest_bytes
from wherry.wire.container_config import (
    Config,
    EndpointIPAMConfig,
    EndpointSettings,
    HostConfig,
    NetworkingConfig,
    PortBinding,
)

NETWORKS = {
    "bridge": NetworkRecord(NetworkId("b" * 64), "bridge", "bridge", 1, "172.17.0.0/16"),
    "own": NetworkRecord(
        NetworkId("1" * 64), "own", "bridge", 1, "10.0.0.0/24", chosen_subnet=True
    ),
    "drawn": NetworkRecord(NetworkId("2" * 64), "drawn", "bridge", 1, "172.18.0.0/16"),
    "host": NetworkRecord(NetworkId("3" * 64), "host", "host", 1),
    "none": NetworkRecord(NetworkId("4" * 64), "none", "null", 1),
}


def container(mode: str = "default", config: Config | None = None, **host: object) -> Container:
    return Container(
        ContainerId("c" * 64), "c", 1, config or Config(),
        HostConfig(network_mode=mode, **host), digest_bytes(b""), "i", "sh", [], State(),
    )  # fmt: skip  # type: ignore[arg-type]


def endpoints(mode: str, **given: EndpointSettings | None) -> dict[str, EndpointSettings]:
    wanted = NetworkingConfig(dict(given))
    return modes.wanted_endpoints(container(mode), wanted, NETWORKS.__getitem__)


def fixed(address: str) -> EndpointSettings:
    return EndpointSettings(ipam_config=EndpointIPAMConfig(ipv4_address=address))


@pytest.mark.parametrize("mode", ["", "default", "bridge"])
def test_the_default_is_the_bridge(mode: str) -> None:
    assert list(endpoints(mode)) == ["bridge"]
    assert list(endpoints(mode, default=None, own=None)) == ["bridge", "own"]


def test_the_networks_of_the_mode_comes_first() -> None:
    assert list(endpoints("drawn", own=None, drawn=EndpointSettings())) == ["drawn", "own"]


@pytest.mark.parametrize("mode", ["host", "none", "container:x"])
def test_some_modes_have_no_endpoints(mode: str) -> None:
    assert endpoints(mode) == {}


def test_host_and_none_do_not_mix() -> None:
    for other in ("host", "none"):
        with pytest.raises(ConflictError, match="multiple networks"):
            endpoints("own", **{other: None})


@pytest.mark.parametrize(
    ("network", "settings", "words"),
    [
        ("bridge", fixed("172.17.0.9"), "user specified IP address is supported on user defined"),
        ("drawn", fixed("172.18.0.9"), "only when connecting to networks with user configured"),
        ("own", fixed("10.0.1.9"), "no configured subnet contains IP address 10.0.1.9"),
        ("own", fixed("10.0.0"), "invalid IPv4 address"),
        ("bridge", EndpointSettings(aliases=["a"]), "only supported for user-defined networks"),
        ("own", EndpointSettings(mac_address="02:42"), "invalid MAC address"),
    ],
)
def test_what_a_network_cannot_give(network: str, settings: EndpointSettings, words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        endpoints(network, **{network: settings})


def published(**ports: list[PortBinding] | None) -> list[object]:
    wanted = {name.replace("_", "/").lstrip("p"): places for name, places in ports.items()}
    return [one for _, one in modes.wanted_ports(container(port_bindings=wanted))]


def test_ports_are_read_as_docker_writes_them() -> None:
    (one,) = published(p80=[PortBinding("127.0.0.1", "8080")])
    assert (one.protocol, one.port, one.address, one.first, one.last) == (
        "tcp", 80, "127.0.0.1", 8080, 8080,
    )  # fmt: skip
    (one,) = published(p53_UDP=[PortBinding("", "5000-5010")])
    assert (one.protocol, one.first, one.last) == ("udp", 5000, 5010)
    for places in (None, [], [PortBinding("", "")], [PortBinding("", "0")], [PortBinding("", 0)]):
        (one,) = published(p80_tcp=places)
        assert (one.first, one.last, one.address) == (0, 0, "0.0.0.0")


@pytest.mark.parametrize(
    ("port", "place"),
    [
        ("80/sctp", PortBinding()), ("0/tcp", PortBinding()), ("65536", PortBinding()),
        ("x", PortBinding()), ("", PortBinding()), ("-1", PortBinding()),
        ("8\u0660", PortBinding()),
        ("80", PortBinding("", "70000")), ("80", PortBinding("", "10-9")),
        ("80", PortBinding("", "a")), ("80", PortBinding("", "1-2-3")),
        ("80", PortBinding("::1", "80")), ("80", PortBinding("localhost", "80")),
        ("80", PortBinding("1.2.3.4; flush", "80")), ("80", PortBinding("", -1)),
    ],
)  # fmt: skip
def test_ports_that_are_none_are_refused_at_create(port: str, place: PortBinding) -> None:
    with pytest.raises(WherryError):
        modes.check_options(container(port_bindings={port: [place]}))


def test_all_exposed_ports_are_published_once() -> None:
    config = Config(exposed_ports={"80/tcp": {}, "81": {}})
    bindings = {"80/tcp": [PortBinding("", "8080")]}
    record = container(config=config, publish_all_ports=True, port_bindings=bindings)
    found = modes.wanted_ports(record)
    assert [(key, one.first) for key, one in found] == [("80/tcp", 8080), ("81/tcp", 0)]


@pytest.mark.parametrize(
    "host",
    [
        {"port_bindings": {"80": []}}, {"publish_all_ports": True}, {"dns": ["1.1.1.1"]},
        {"extra_hosts": ["a:1.1.1.1"]}, {"links": ["a"]},
    ],
)  # fmt: skip
def test_who_shares_a_network_chooses_nothing_of_it(host: dict[str, object]) -> None:
    with pytest.raises(InvalidError, match="conflicting options"):
        modes.check_options(container("container:x", **host))


@pytest.mark.parametrize(
    "host",
    [
        {"dns": ["1.1.1.1\noptions x"]}, {"dns": ["localhost"]}, {"dns": ["1.1.1"]},
        {"dns_search": ["a\nnameserver 6.6.6.6"]}, {"dns_search": ["a b"]}, {"dns_search": [""]},
        {"dns_options": ["x\nnameserver 6.6.6.6"]}, {"extra_hosts": ["a:1.1.1.1\n6.6.6.6 bank"]},
    ],
)  # fmt: skip
def test_no_line_of_its_own_comes_into_the_files_of_names(host: dict[str, object]) -> None:
    with pytest.raises(InvalidError):
        modes.check_options(container(**host))


@pytest.mark.parametrize("name", ["a\n6.6.6.6 bank", "a b", "a\x1b[2J", "#"])
def test_a_hostname_is_one_word(name: str) -> None:
    for config in (Config(hostname=name), Config(hostname="a", domainname=name)):
        with pytest.raises(InvalidError, match="invalid hostname"):
            modes.check_options(container(config=config))


def test_usual_names_pass() -> None:
    config = Config(hostname="web-1.example", domainname="example.org")
    modes.check_options(
        container(
            config=config,
            dns=["1.1.1.1", "2606:4700::1"],
            dns_search=["a.b", "."],
            dns_options=["ndots:2", "use-vc"],
            extra_hosts=["host.docker.internal:host-gateway"],
        )
    )


def test_ipv6_addresses_are_refused_by_name() -> None:
    settings = EndpointSettings(ipam_config=EndpointIPAMConfig(ipv6_address="::5"))
    with pytest.raises(UnsupportedError, match="--ip6"):
        endpoints("own", own=settings)
