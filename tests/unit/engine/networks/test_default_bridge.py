"""What becomes of the default bridge when the engine starts with these settings."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from wherry.base.errors import InvalidError
from wherry.base.ids import NetworkId
from wherry.engine.networks.default_bridge import check, planned, pools
from wherry.engine.networks.record import NetworkRecord
from wherry.engine.settings import AddressPool, NetworkDefaults

NEW = NetworkRecord(NetworkId("1"), "bridge", "bridge", 1)
USED = NetworkRecord(NetworkId("1"), "bridge", "bridge", 1, "172.17.0.0/16", "172.17.0.1")
PLAIN = NetworkDefaults()
BIP = replace(PLAIN, bridge_address=IPv4Interface("10.1.0.5/24"))


def plan(network: NetworkRecord, wanted: NetworkDefaults) -> NetworkRecord:
    return planned(network, wanted, "b0", 1500)


def test_without_settings_it_keeps_what_it_has_and_shows_docker_s_options() -> None:
    assert plan(NEW, PLAIN).subnet == ""
    made = plan(USED, PLAIN)
    assert (made.subnet, made.gateway, made.ip_range, made.auxiliary) == (
        "172.17.0.0/16", "172.17.0.1", "", {},
    )  # fmt: skip
    assert made.options == {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        "com.docker.network.bridge.name": "b0",
        "com.docker.network.driver.mtu": "1500",
    }
    assert plan(made, PLAIN) == made


def test_an_address_is_taken_and_given_up_with_its_setting() -> None:
    made = plan(USED, BIP)
    assert (made.subnet, made.gateway) == ("10.1.0.0/24", "10.1.0.5")
    assert plan(made, BIP) == made
    assert plan(made, PLAIN).subnet == ""


def test_a_part_of_the_subnet_is_for_containers() -> None:
    part = replace(BIP, fixed_cidr=IPv4Network("10.1.0.128/25"))
    assert plan(NEW, part).ip_range == "10.1.0.128/25"
    assert plan(plan(NEW, part), BIP).ip_range == ""


@pytest.mark.parametrize(
    ("network", "part", "subnet", "gateway"),
    [
        (NEW, "10.5.0.0/24", "10.5.0.0/24", "10.5.0.1"),
        (USED, "172.17.9.0/24", "172.17.0.0/16", "172.17.0.1"),
        (USED, "10.5.0.0/24", "10.5.0.0/24", "10.5.0.1"),
        (USED, "172.0.0.0/8", "172.0.0.0/8", "172.0.0.1"),
    ],
)
def test_a_part_without_an_address_is_the_subnet_unless_it_lies_in_the_present_one(
    network: NetworkRecord, part: str, subnet: str, gateway: str
) -> None:
    made = plan(network, replace(PLAIN, fixed_cidr=IPv4Network(part)))
    assert (made.subnet, made.gateway, made.ip_range) == (subnet, gateway, part)


def test_new_pools_move_it() -> None:
    given = replace(PLAIN, address_pools=(AddressPool(IPv4Network("10.8.0.0/16"), 24),))
    assert plan(USED, given).subnet == ""
    inside = replace_subnet(USED, "10.8.3.0/24", "10.8.3.1")
    assert plan(inside, given).subnet == "10.8.3.0/24"
    assert pools(given) == [(IPv4Network("10.8.0.0/16"), 24)]


def replace_subnet(network: NetworkRecord, subnet: str, gateway: str) -> NetworkRecord:
    return NetworkRecord(network.id, network.name, network.driver, 1, subnet, gateway)


def test_the_switches_become_options() -> None:
    wanted = replace(PLAIN, mtu=1400, icc=False, masquerade=False, binding_address="127.0.0.1")
    made = plan(USED, wanted)
    assert (made.isolated, made.binding) == (True, "127.0.0.1")
    bridge = made.bridge("x")
    assert (bridge.mtu, bridge.name, made.zone(bridge).masquerade) == (1400, "b0", False)


def test_another_router() -> None:
    made = plan(NEW, replace(BIP, gateway=IPv4Address("10.1.0.9")))
    assert (made.gateway, str(made.router_address())) == ("10.1.0.5", "10.1.0.9")
    check(made, [])
    outside = plan(NEW, replace(BIP, gateway=IPv4Address("10.2.0.9")))
    with pytest.raises(InvalidError, match=r"default-gateway 10\.2\.0\.9 is not in .*10\.1\.0\.0"):
        check(outside, [])


def test_the_subnet_of_another_network_is_not_taken() -> None:
    other = NetworkRecord(NetworkId("2"), "mine", "bridge", 1, "10.1.0.0/16")
    with pytest.raises(InvalidError, match="overlaps with that of network mine"):
        check(plan(NEW, BIP), [other])
