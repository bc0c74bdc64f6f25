"""Keeps containers of one network apart (`icc=false`), but for those that are linked.

What goes from one port of a bridge to another never passes the engine's table, which is of packets
that are routed. So there is a table of the bridge family: it drops IPv4 and IPv6 between ports, and
lets ARP pass. A port is known by the group of its interface, a number made of the engine's id: it
vanishes with the interface, and nothing is to be taken out when a container ends. The table itself
is made with the first network that needs it.

    linked      from . to . protocol . port: what a container may reach of one that it is linked to;
                the answers are found by the same elements, so nothing is tracked
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterable, Sequence

from wherry.base.errors import UnsupportedError
from wherry.base.values import dataclass
from wherry.network.firewall import FirewallError, Nft, RulesMissingError
from wherry.network.naming import Naming

_HIGHEST_GROUP = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Link:
    """A port of one container that another may reach: addresses, `tcp` or `udp`, and the port."""

    source: str
    target: str
    protocol: str
    port: int

    def element(self) -> str:
        """Return the element for the set, in nft's words."""
        return f"{self.source} . {self.target} . {self.protocol} . {self.port}"


def group_of(naming: Naming) -> int:
    """Return the number that marks ports of an engine's isolated networks; never 0."""
    return zlib.crc32(naming.table.encode()) % _HIGHEST_GROUP + 1


def table_text(table: str, group: int) -> str:
    """Return the commands that make the table, if it is not there (pure)."""
    return f"""
add table bridge {table}
add set bridge {table} linked {{ type ipv4_addr . ipv4_addr . inet_proto . inet_service; }}
add chain bridge {table} forward {{ type filter hook forward priority 0; policy accept; }}
flush chain bridge {table} forward
add rule bridge {table} forward ip saddr . ip daddr . meta l4proto . th dport @linked accept
add rule bridge {table} forward ip daddr . ip saddr . meta l4proto . th sport @linked accept
add rule bridge {table} forward iifgroup {group} ether type {{ ip, ip6 }} drop
"""


class Isolation:
    """The table of one engine. Thread-safe, like the library's context that it uses."""

    def __init__(self, naming: Naming, nft: Nft) -> None:
        self._table = naming.table
        self._group = group_of(naming)
        self._nft = nft

    def make(self) -> None:
        """Make the table, or take up the one that is there with its links."""
        try:
            self._nft.run(table_text(self._table, self._group))
        except FirewallError as error:
            raise UnsupportedError(
                "containers of one network cannot be kept apart (icc=false): the kernel needs"
                f" nftables' bridge family for that: {error}"
            ) from error

    def allow(self, links: Iterable[Link]) -> None:
        """Let linked containers through."""
        self._change("add", list(links))

    def refuse(self, links: Iterable[Link]) -> None:
        """Take links out; those that are not there are no error."""
        for link in links:
            with contextlib.suppress(RulesMissingError):
                self._change("delete", [link])

    def _change(self, verb: str, links: Sequence[Link]) -> None:
        if links:
            elements = ", ".join(link.element() for link in links)
            self._nft.run(f"{verb} element bridge {self._table} linked {{ {elements} }}")

    def remove(self) -> None:
        """Take the table out; one that is not there is no error."""
        with contextlib.suppress(RulesMissingError):
            self._nft.run(f"delete table bridge {self._table}")
