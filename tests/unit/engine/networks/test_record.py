"""A network's options."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.base.ids import NetworkId
from wherry.engine.networks.record import NetworkRecord, check_options

NAME = "com.docker.network.bridge.name"
MTU = "com.docker.network.driver.mtu"
ICC = "com.docker.network.bridge.enable_icc"
BINDING = "com.docker.network.bridge.host_binding_ipv4"


@pytest.mark.parametrize(
    "name",
    ['a"', 'a"}', "a b", "a\nflush ruleset", "a" * 16, "../x", ".", "..", "-a", "br%d", "a/b",
     "a:b", "ö", "a;b", "a\x00"],
)  # fmt: skip
def test_a_name_that_would_be_part_of_a_rule_or_path_is_refused(name: str) -> None:
    with pytest.raises(InvalidError, match="invalid bridge name"):
        check_options({NAME: name})


@pytest.mark.parametrize("mtu", ["0", "67", "65536", "-1", "1e3", "1500 ", "9" * 20, "²", "x"])
def test_an_mtu_that_no_link_can_have_is_refused(mtu: str) -> None:
    with pytest.raises(InvalidError, match="invalid MTU"):
        check_options({MTU: mtu})


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({ICC: "no"}, "true or false"),
        ({"com.docker.network.bridge.enable_ip_masquerade": "off"}, "true or false"),
        ({BINDING: "localhost"}, "invalid IPv4 address"),
    ],
)
def test_what_a_switch_or_an_address_cannot_be_is_refused(
    option: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidError, match=words):
        check_options(option)
    check_options({ICC: "true", BINDING: "127.0.0.1", "anything": "else"})


def test_what_keeps_containers_apart_and_where_ports_are_published() -> None:
    plain = NetworkRecord(NetworkId("1"), "n", "bridge", 1, "10.0.0.0/24")
    assert (plain.isolated, plain.binding) == (False, "")
    apart = NetworkRecord(
        NetworkId("1"), "n", "bridge", 1, "10.0.0.0/24", options={ICC: "False", BINDING: "1.2.3.4"}
    )
    assert (apart.isolated, apart.binding) == (True, "1.2.3.4")


def test_another_machine_of_the_subnet_can_be_the_router() -> None:
    given = {"DefaultGatewayIPv4": "10.0.0.9"}
    record = NetworkRecord(NetworkId("1"), "n", "bridge", 1, "10.0.0.0/24", auxiliary=given)
    bridge = record.bridge("b")
    assert (str(bridge.gateway), str(bridge.router)) == ("10.0.0.1", "10.0.0.9")
    assert bridge.default_route == bytes((10, 0, 0, 9))


def test_options_become_a_bridge_and_a_zone() -> None:
    options = {NAME: "br-x.1_y", MTU: "1400", "com.docker.network.bridge.enable_ip_masquerade": "0"}
    check_options(options)
    record = NetworkRecord(NetworkId("1"), "n", "bridge", 1, "10.0.0.0/24", options=options)
    bridge = record.bridge("default")
    assert (bridge.name, bridge.mtu, str(bridge.gateway)) == ("br-x.1_y", 1400, "10.0.0.1")
    assert not record.zone(bridge).masquerade
    plain = NetworkRecord(NetworkId("1"), "n", "bridge", 1, "10.0.0.0/24")
    assert (plain.bridge("default").name, plain.bridge("d").mtu) == ("default", 0)
