"""Subnets and addresses: pure choices among what is free."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from wherry.base.errors import ConflictError, InvalidError, UnavailableError

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address
_ADDRESS_BITS: Final = 32

Pool = tuple[Network, int]

# Docker's default pools (libnetwork, ipamutils): 172.17.0.0/16 to 172.31.0.0/16, then 192.168/20s.
DEFAULT_POOLS: Final[Sequence[Pool]] = (
    *((Network(f"172.{second}.0.0/16"), 16) for second in range(17, 32)),
    (Network("192.168.0.0/16"), 20),
)


class NoFreeSubnetError(UnavailableError):
    """Every subnet of the pools overlaps with something."""


class NoFreeAddressError(UnavailableError):
    """All addresses of a network are taken."""


def choose_subnet(taken: Iterable[Network], pools: Sequence[Pool] = DEFAULT_POOLS) -> Network:
    """Return the first subnet of the pools that overlaps with none that is taken.

    A pool is a network and the prefix length of the subnets that it is cut into.
    """
    used = [(int(network.network_address), int(network.broadcast_address)) for network in taken]
    for base, size in pools:
        found = _first_free(base, size, used)
        if found is not None:
            return found
    raise NoFreeSubnetError(
        "could not find an available, non-overlapping IPv4 address pool among the defaults to"
        " assign to the network: remove networks, or give one with --subnet"
    )


def _first_free(base: Network, size: int, used: Sequence[tuple[int, int]]) -> Network | None:
    """Return the first free piece; a large pool has millions, so what is taken is jumped over."""
    step = 1 << (_ADDRESS_BITS - size)
    start, end = int(base.network_address), int(base.broadcast_address)
    while start + step - 1 <= end:
        over = [last for first, last in used if first <= start + step - 1 and last >= start]
        if not over:
            return Network((start, size))
        start += ((max(over) - start) // step + 1) * step
    return None


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
    # Not from hosts(), which for a single address is no iterator but a list.
    return subnet[min(1, subnet.num_addresses - 1)]


class AddressPool:
    """The addresses of one network: out of `within`, a part of it, unless one is asked for.

    `reserved` are never given, the gateway among them. A freed address is given again as late as
    possible: others may remember who had it.
    """

    def __init__(self, subnet: Network, within: Network, reserved: Iterable[Address]) -> None:
        self._subnet = subnet
        self._first, self._last = int(within.network_address), int(within.broadcast_address)
        edges = (subnet.network_address, subnet.broadcast_address)
        # Numbers, of which a crowded network has tens of thousands to try.
        self._never = {int(address) for address in (*edges, *reserved)}
        self._taken: set[int] = set()
        self._next = self._first

    @property
    def in_use(self) -> bool:
        """True while any address is taken."""
        return bool(self._taken)

    def take(self, wanted: str = "") -> Address:
        """Take an address, a given one or the next that is free."""
        number = self._checked(parse_address(wanted)) if wanted else self._free_number()
        self._taken.add(number)
        return Address(number)

    def _checked(self, address: Address) -> int:
        if address not in self._subnet:
            raise InvalidError(
                f"invalid address {address}: it does not belong to any of this network's subnets"
            )
        if int(address) in self._taken or int(address) in self._never:
            raise ConflictError("Address already in use")
        return int(address)

    def _free_number(self) -> int:
        start = self._next if self._next <= self._last else self._first
        for number in chain(range(start, self._last + 1), range(self._first, start)):
            if number not in self._taken and number not in self._never:
                self._next = number + 1
                return number
        raise NoFreeAddressError(
            f"no available IPv4 addresses on this network's address pools: {self._subnet}"
        )

    def note(self, address: str) -> None:
        """Mark an address as taken by somebody who had it already."""
        if address:
            self._taken.add(int(parse_address(address)))

    def free(self, address: str) -> None:
        """Give an address back."""
        if address:
            self._taken.discard(int(parse_address(address)))


def mac_of(address: Address) -> str:
    """Return the hardware address that Docker gives to an address: 02:42 and its four bytes."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x42" + address.packed)
