"""Choosing subnets and addresses."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.waiting import PATIENCE
from wherry.base.errors import ConflictError, InvalidError
from wherry.network.addresses import (
    AddressPool,
    Network,
    NoFreeAddressError,
    NoFreeSubnetError,
    choose_subnet,
    first_address,
    mac_of,
    parse_address,
    parse_subnet,
)


def pool(subnet: str, within: str = "") -> AddressPool:
    network = Network(subnet)
    return AddressPool(network, Network(within or subnet), [first_address(network)])


def test_subnets_are_dockers_defaults_in_order() -> None:
    taken: list[Network] = []
    for _ in range(31):
        taken.append(choose_subnet(taken))
    assert [str(taken[0]), str(taken[14]), str(taken[15])] == [
        "172.17.0.0/16", "172.31.0.0/16", "192.168.0.0/20",
    ]  # fmt: skip
    with pytest.raises(NoFreeSubnetError, match="non-overlapping"):
        choose_subnet(taken)


@pytest.mark.parametrize("taken", ["172.17.5.0/24", "172.16.0.0/12", "172.17.255.255/32"])
def test_a_subnet_that_overlaps_a_little_is_not_chosen(taken: str) -> None:
    assert not choose_subnet([Network(taken)]).overlaps(Network(taken))


def test_addresses_come_in_order_after_the_gateway_and_freed_ones_late() -> None:
    made = pool("10.0.0.0/29")
    assert [str(made.take()) for _ in range(3)] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
    made.free("10.0.0.2")
    assert [str(made.take()) for _ in range(3)] == ["10.0.0.5", "10.0.0.6", "10.0.0.2"]
    with pytest.raises(NoFreeAddressError, match="no available IPv4 addresses"):
        made.take()
    made.free("10.0.0.4")
    assert str(made.take()) == "10.0.0.4"


def test_addresses_come_out_of_the_range() -> None:
    made = pool("10.0.0.0/24", "10.0.0.128/30")
    assert [str(made.take()) for _ in range(4)] == [f"10.0.0.{n}" for n in range(128, 132)]
    with pytest.raises(NoFreeAddressError):
        made.take()
    assert str(made.take("10.0.0.7")) == "10.0.0.7"


@pytest.mark.parametrize("wanted", ["10.0.0.0", "10.0.0.255", "10.0.0.1", "10.0.0.9"])
def test_some_addresses_cannot_be_wished_for(wanted: str) -> None:
    made = pool("10.0.0.0/24")
    made.take("10.0.0.9")
    with pytest.raises(ConflictError, match="Address already in use"):
        made.take(wanted)


@pytest.mark.parametrize("wanted", ["10.0.1.1", "abc", "::1", "10.0.0.1/24", "010.0.0.5"])
def test_no_address_of_the_network_is_refused(wanted: str) -> None:
    with pytest.raises(InvalidError):
        pool("10.0.0.0/24").take(wanted)


@pytest.mark.parametrize("subnet", ["10.0.0.0/32", "10.0.0.0/31", "10.0.0.0/30"])
def test_tiny_networks_end_in_words(subnet: str) -> None:
    made = pool(subnet)
    with pytest.raises(NoFreeAddressError):
        [made.take() for _ in range(3)]


def test_the_last_network_of_all_has_an_end() -> None:
    made = pool("255.255.255.0/24", "255.255.255.254/31")
    made.take()
    with pytest.raises(NoFreeAddressError):
        made.take()


def test_tens_of_thousands_of_addresses_are_taken_quickly() -> None:
    made = pool("172.17.0.0/16")
    started = time.monotonic()
    taken = [made.take() for _ in range(65_533)]
    assert len(set(taken)) == 65_533
    assert time.monotonic() - started < 3 * PATIENCE
    started = time.monotonic()
    for address in taken[::1000]:
        made.free(str(address))
        assert made.take() == address
    assert time.monotonic() - started < 3 * PATIENCE


def test_subnets_are_cut_out_of_given_pools_in_order() -> None:
    pools = [(Network("10.1.0.0/23"), 24), (Network("10.9.0.0/24"), 25)]
    taken: list[Network] = []
    for _ in range(4):
        taken.append(choose_subnet(taken, pools))
    assert [str(one) for one in taken] == [
        "10.1.0.0/24", "10.1.1.0/24", "10.9.0.0/25", "10.9.0.128/25",
    ]  # fmt: skip
    with pytest.raises(NoFreeSubnetError, match="non-overlapping"):
        choose_subnet(taken, pools)


def test_what_is_taken_of_a_pool_is_jumped_over() -> None:
    pool = [(Network("10.0.0.0/8"), 28)]
    begun = time.perf_counter()
    # A million pieces overlap with the first, and the second ends within a piece.
    found = choose_subnet([Network("10.0.0.0/9"), Network("10.128.0.0/30")], pool)
    assert str(found) == "10.128.0.16/28"
    with pytest.raises(NoFreeSubnetError):
        choose_subnet([Network("10.0.0.0/8")], pool)
    assert time.perf_counter() - begun < 1


@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(24, 32)).map(
            lambda one: Network((f"10.0.0.{one[0]}", one[1]), strict=False)
        ),
        max_size=12,
    ),
    st.integers(24, 30),
)
def test_the_first_piece_that_is_free_is_chosen(taken: list[Network], size: int) -> None:
    base = Network("10.0.0.0/24")
    free = [p for p in base.subnets(new_prefix=size) if not any(p.overlaps(t) for t in taken)]
    if free:
        assert choose_subnet(taken, [(base, size)]) == free[0]
    else:
        with pytest.raises(NoFreeSubnetError):
            choose_subnet(taken, [(base, size)])


@settings(max_examples=50)
@given(st.lists(st.integers(0, 40), max_size=60))
def test_nobody_gets_what_another_has(steps: list[int]) -> None:
    made, held = pool("10.0.0.0/28"), []
    for step in steps:
        if held and step % 2:
            made.free(str(held.pop(step % len(held))))
        elif len(held) < 13:
            address = made.take()
            assert address not in held
            held.append(address)
    assert made.in_use == bool(held)


def test_noting_and_freeing_nothing_is_nothing() -> None:
    made = pool("10.0.0.0/24")
    made.note("")
    made.free("")
    assert not made.in_use
    made.note("10.0.0.2")
    assert str(made.take()) == "10.0.0.3"


@pytest.mark.parametrize("text", ["", "x", "10.0.0.0/33", "2001:db8::/64", "10.0.0.0/a"])
def test_a_bad_subnet_is_named(text: str) -> None:
    with pytest.raises(InvalidError, match="invalid subnet"):
        parse_subnet(text)


def test_hardware_addresses_are_dockers() -> None:
    assert mac_of(parse_address("172.17.0.2")) == "02:42:ac:11:00:02"
