"""Subnets and addresses: pure choices among what is free."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from wherry.base.errors import ConflictError, InvalidError, UnavailableError

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address

# Docker's default pools (libnetwork, ipamutils): 172.17.0.0/16 to 172.31.0.0/16, then 192.168/20s.
_POOLS: Final = (
    *(Network(f"172.{second}.0.0/16") for second in range(17, 32)),
    *Network("192.168.0.0/16").subnets(new_prefix=20),
)


class NoFreeSubnetError(UnavailableError):
    """Every default subnet overlaps with something."""


class NoFreeAddressError(UnavailableError):
    """All addresses of a network are taken."""


def choose_subnet(taken: Iterable[Network]) -> Network:
    """Return the first default subnet that overlaps with none that is taken."""
    used = list(taken)
    for pool in _POOLS:
        if not any(pool.overlaps(network) for network in used):
            return pool
    raise NoFreeSubnetError(
        "could not find an available, non-overlapping IPv4 address pool among the defaults to"
        " assign to the network: remove networks, or give one with --subnet"
    )


def parse_subnet(text: str) -> Network:
    """Parse a subnet; raises InvalidError that names it."""
    try:
        return Network(text, strict=False)
    except ValueError:
        raise InvalidError(f"invalid subnet {text}: an IPv4 network like 172.28.0.0/16") from None


def parse_address(text: str) -> Address:
    """Parse an address; raises InvalidError that names it."""
    try:
        return Address(text)
    except ValueError:
        raise InvalidError(f"invalid IPv4 address: {text}") from None


def first_address(subnet: Network) -> Address:
    """Return what becomes the gateway unless one is given."""
    return next(subnet.hosts())


@dataclass(slots=True)
class AddressPool:
    """The addresses of one network; `taken` are those in use, the gateway among them.

    A freed address is given again as late as possible: others may remember who had it.
    """

    subnet: Network
    within: Network
    taken: set[Address]
    _next: Address | None = None

    def take(self, wanted: str = "") -> Address:
        """Take an address, a given one or the next that is free."""
        if wanted:
            return self._take_wanted(parse_address(wanted))
        for candidate in self._candidates():
            if candidate not in self.taken:
                self.taken.add(candidate)
                self._next = candidate + 1
                return candidate
        raise NoFreeAddressError(
            f"no available IPv4 addresses on this network's address pools: {self.subnet}"
        )

    def _take_wanted(self, address: Address) -> Address:
        if address not in self.subnet:
            raise InvalidError(
                f"invalid address {address}: it does not belong to any of this network's subnets"
            )
        if address in self.taken:
            raise ConflictError("Address already in use")
        self.taken.add(address)
        return address

    def _candidates(self) -> Iterator[Address]:
        first, last = self.within.network_address, self.within.broadcast_address
        edges: Collection[Address] = (self.subnet.network_address, self.subnet.broadcast_address)
        start = self._next if self._next is not None and first <= self._next <= last else first
        for number in chain(range(int(start), int(last) + 1), range(int(first), int(start))):
            address = Address(number)
            if address not in edges:
                yield address

    def free(self, address: str) -> None:
        """Give an address back."""
        if address:
            self.taken.discard(parse_address(address))


def mac_of(address: Address) -> str:
    """Return the hardware address that Docker gives to an address: 02:42 and its four bytes."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x42" + address.packed)
