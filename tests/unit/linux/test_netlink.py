"""The bytes of rtnetlink messages, as linux/rtnetlink.h lays them out."""

from __future__ import annotations

import errno
import struct

import pytest

from wherry.linux import netlink


def attributes(data: bytes) -> dict[int, bytes]:
    return netlink._attributes(data)


def test_attributes_are_padded_to_four_bytes() -> None:
    assert netlink.attribute(3, b"eth0\0") == b"\x09\x00\x03\x00eth0\0\0\0\0"
    assert netlink.attribute(1, b"") == b"\x04\x00\x01\x00"


def test_attributes_are_read_back() -> None:
    data = netlink.attribute(3, b"eth0\0") + netlink.attribute(4 | 0x8000, b"\1\2\3\4")
    assert attributes(data) == {3: b"eth0\0", 4: b"\1\2\3\4"}


@pytest.mark.parametrize("data", [b"\0\0", b"\3\0\1\0", b"\x08\0"])
def test_damaged_attributes_end_the_reading(data: bytes) -> None:
    assert attributes(data) == {}


def test_a_bridge() -> None:
    message = netlink.add_bridge("br0", 1400)
    assert (message.kind, message.flags) == (netlink.NEW_LINK, 0x600)
    assert message.body[:16] == bytes(16)
    told = attributes(message.body[16:])
    assert told[3] == b"br0\0"
    assert told[4] == struct.pack("=I", 1400)
    assert attributes(told[18]) == {1: b"bridge\0"}


def test_a_pair_with_its_other_end_in_a_namespace() -> None:
    peer = netlink.Peer("eth0", bytes.fromhex("0242ac110002"), 7)
    message = netlink.add_veth("veth1", peer, bridge=9, mtu=0)
    told = attributes(message.body[16:])
    assert told[3] == b"veth1\0"
    assert told[10] == struct.pack("=I", 9)
    assert 4 not in told
    info = attributes(told[18])
    assert info[1] == b"veth\0"
    inner = attributes(info[2])[1]
    assert inner[:16] == bytes(16)
    assert attributes(inner[16:]) == {
        3: b"eth0\0",
        1: bytes.fromhex("0242ac110002"),
        28: struct.pack("=I", 7),
    }


def test_an_address_has_its_broadcast() -> None:
    message = netlink.add_address(5, bytes([172, 17, 0, 2]), 16)
    assert message.body[:8] == struct.pack("=BBBBi", 2, 16, 0, 0, 5)
    assert attributes(message.body[8:])[4] == bytes([172, 17, 255, 255])


def test_an_address_of_sixteen_bytes() -> None:
    message = netlink.add_address(5, bytes(15) + b"\1", 64)
    assert message.body[0] == 10
    assert 4 not in attributes(message.body[8:])


def test_a_default_route() -> None:
    message = netlink.add_default_route(bytes([10, 0, 0, 1]), 3)
    assert message.body[:12] == struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0)
    assert attributes(message.body[12:]) == {5: bytes([10, 0, 0, 1]), 4: struct.pack("=I", 3)}


def test_links_can_be_read_without_rights() -> None:
    connection = netlink.Netlink()
    try:
        loopback = connection.index_of("lo")
        assert loopback is not None
        assert connection.index_of("nosuch0") is None
        assert (bytes([127, 0, 0, 1]), 8) in connection.networks()
    finally:
        connection.close()


def test_an_error_names_what_was_done() -> None:
    connection = netlink.Netlink()
    try:
        with pytest.raises(OSError, match=r"removing interface nosuch0: ") as caught:
            connection.run([netlink.delete_link("nosuch0")])
        assert netlink.is_missing(caught.value) or caught.value.errno == errno.EPERM
    finally:
        connection.close()


def test_our_end_of_a_pair_can_be_marked_for_rules() -> None:
    peer = netlink.Peer("eth0", b"\2\x42\0\0\0\1", 5)
    assert 27 not in attributes(netlink.add_veth("v", peer, 3, 0).body[16:])
    assert attributes(netlink.add_veth("v", peer, 3, 0, 77).body[16:])[27] == struct.pack("=I", 77)
