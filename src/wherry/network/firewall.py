"""The engine's nftables table, through libnftables.

Published ports are elements of maps, not rules: publishing costs the same with one container or a
thousand. What the table does:

    prerouting, output   a published port of a local address leads to the container that has it
    postrouting          what leaves a network gets the host's address; so does what comes from the
                         host's loopback, or from the network itself through a published port
    forward              into a network comes only what was published, from wherever it is; internal
                         networks reach nothing and are not reached
    guard                nothing comes from outside for 127.0.0.0/8: a port that is published there
                         is for this machine, and bridges, whose replies to it need the kernel to
                         route such addresses, would let containers reach the host's own services

dockerd sets the policy of the iptables FORWARD chain to drop, and a verdict of ours cannot overrule
that: where such a chain is found, a rule that lets our bridges pass is put first in it, with a
comment that names it, and taken out again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wherry.base.errors import InternalError, UnavailableError
from wherry.base.values import dataclass
from wherry.network.naming import Naming

log = logging.getLogger(__name__)

_OUTPUT_JSON: Final = 16
_MISSING: Final = "No such file or directory"


class FirewallError(InternalError):
    """nftables refused a command."""


class RulesMissingError(FirewallError):
    """Something that a command names is not there, such as our table after a flush of all rules."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A published port: `host_ip` is 0.0.0.0 for every local address."""

    protocol: str
    host_ip: str
    host_port: int
    address: str
    port: int

    def element(self) -> str:
        """Return the element for its map, in nft's words."""
        key = f"{self.protocol} . {self.host_port}"
        if not self.everywhere:
            key = f"{self.host_ip} . {key}"
        return f"{key} : {self.address} . {self.port}"

    def key(self) -> str:
        """Return what names the element."""
        return self.element().partition(" : ")[0]

    @property
    def everywhere(self) -> bool:
        """True for a port of every local address."""
        return self.host_ip in ("", "0.0.0.0")  # noqa: S104 - an address to compare with

    @property
    def map_name(self) -> str:
        """The map that it belongs to."""
        return "published" if self.everywhere else "published_at"


@dataclass(frozen=True, slots=True)
class Zone:
    """One network, as the firewall sees it."""

    bridge: str
    subnet: str
    internal: bool = False
    masquerade: bool = True


@functools.cache
def _library() -> Any:
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError as error:
        raise UnavailableError(
            "libnftables.so.1 is missing, so there are no networks: install libnftables1, or use"
            " --network none or host"
        ) from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = (ctypes.c_uint32,)
    library.nft_ctx_buffer_output.argtypes = (ctypes.c_void_p,)
    library.nft_ctx_buffer_error.argtypes = (ctypes.c_void_p,)
    library.nft_ctx_free.argtypes = (ctypes.c_void_p,)
    library.nft_ctx_output_set_flags.argtypes = (ctypes.c_void_p, ctypes.c_uint)
    library.nft_run_cmd_from_buffer.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).restype = ctypes.c_char_p
        getattr(library, name).argtypes = (ctypes.c_void_p,)
    return library


class Nft:
    """A libnftables context. It acts in the network namespace of the calling thread."""

    def __init__(self) -> None:
        self._library = _library()
        self._context = self._library.nft_ctx_new(0)
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        self._library.nft_ctx_output_set_flags(self._context, _OUTPUT_JSON)
        self._lock = threading.Lock()

    def run(self, command: str) -> str:
        """Run commands as one transaction and return what they print. Raises FirewallError."""
        with self._lock:
            result = self._library.nft_run_cmd_from_buffer(self._context, command.encode())
            output = self._library.nft_ctx_get_output_buffer(self._context) or b""
            errors = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if result != 0:
            first = errors.decode(errors="replace").strip().partition("\n")[0]
            # nftables may go on: "; did you mean table ... in family inet?"
            kind = RulesMissingError if _MISSING in first else FirewallError
            raise kind(f"nftables: {first}")
        return str(output.decode(errors="replace"))

    def close(self) -> None:
        """Free the context."""
        self._library.nft_ctx_free(self._context)


def table_text(table: str, zones: Sequence[Zone]) -> str:
    """Return the commands that make the table anew, with empty maps (pure)."""
    return f"""
table inet {table} {{
    map published {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
    map published_at {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
    set bridges {{ type ifname; }}
    chain guard {{
        type filter hook prerouting priority raw; policy accept;
        iifname != "lo" ip daddr 127.0.0.0/8 drop
    }}
    chain forwarding {{
        meta l4proto {{ tcp, udp }} dnat ip to ip daddr . meta l4proto . th dport map @published_at
        meta l4proto {{ tcp, udp }} dnat ip to meta l4proto . th dport map @published
    }}
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local jump forwarding
    }}
    chain output {{
        type nat hook output priority -100; policy accept;
        fib daddr type local jump forwarding
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 127.0.0.0/8 oifname @bridges masquerade
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
    }}
}}
""" + "".join(zone_text(table, zone) for zone in zones)


def zone_text(table: str, zone: Zone) -> str:
    """Return the commands that add one network to the table (pure)."""
    bridge, note = f'"{zone.bridge}"', f'comment "{zone.bridge}"'
    forward = f"add rule inet {table} forward"
    lines = [f"add element inet {table} bridges {{ {bridge} }}"]
    lines.append(
        f"add rule inet {table} postrouting ip saddr {zone.subnet} ip daddr {zone.subnet}"
        f" oifname {bridge} ct status dnat masquerade {note}"
    )
    if zone.internal:
        lines.append(f"{forward} iifname {bridge} oifname != {bridge} drop {note}")
        lines.append(f"{forward} oifname {bridge} iifname != {bridge} drop {note}")
    else:
        if zone.masquerade:
            lines.append(
                f"add rule inet {table} postrouting ip saddr {zone.subnet} oifname != {bridge}"
                f" masquerade {note}"
            )
        lines.append(f"{forward} oifname {bridge} iifname != {bridge} ct status dnat accept {note}")
        lines.append(f"{forward} oifname {bridge} iifname != {bridge} drop {note}")
    return "\n".join(lines) + "\n"


class Firewall:
    """The table of one engine. Thread-safe. `nft` is for other tables of the engine, too."""

    def __init__(self, naming: Naming) -> None:
        self._table = naming.table
        self._pattern = f"{naming.bridge_prefix}*"
        self.nft = Nft()

    def rebuild(self, zones: Sequence[Zone], forwards: Iterable[Forward]) -> None:
        """Make the table anew with all that belongs in it, in one transaction."""
        commands = f"add table inet {self._table}\ndelete table inet {self._table}\n"
        commands += table_text(self._table, zones)
        self.nft.run(commands + self._elements("add", list(forwards)))
        self.pass_others()

    def add_zone(self, zone: Zone) -> None:
        """Add a network."""
        self.nft.run(zone_text(self._table, zone))
        self.pass_others()

    def remove_zone(self, zone: Zone) -> None:
        """Take a network out: every rule whose comment names its bridge; idempotent."""
        with contextlib.suppress(RulesMissingError):
            self.nft.run("\n".join(self._zone_removal(zone)))

    def _zone_removal(self, zone: Zone) -> list[str]:
        commands = [f'delete element inet {self._table} bridges {{ "{zone.bridge}" }}']
        for chain in ("postrouting", "forward"):
            listed = json.loads(self.nft.run(f"list chain inet {self._table} {chain}"))
            commands += [
                f"delete rule inet {self._table} {chain} handle {rule['handle']}"
                for rule in _rules(listed)
                if rule.get("comment") == zone.bridge
            ]
        return commands

    def publish(self, forwards: Sequence[Forward]) -> None:
        """Add published ports."""
        if forwards:
            self.nft.run(self._elements("add", forwards))

    def unpublish(self, forwards: Sequence[Forward]) -> None:
        """Take published ports out; those that are not there are no error."""
        for forward in forwards:
            with contextlib.suppress(RulesMissingError):
                self.nft.run(self._elements("delete", [forward]))

    def _elements(self, verb: str, forwards: Sequence[Forward]) -> str:
        lines = []
        for name in ("published", "published_at"):
            chosen = [f for f in forwards if f.map_name == name]
            if chosen:
                words = ", ".join(f.element() if verb == "add" else f.key() for f in chosen)
                lines.append(f"{verb} element inet {self._table} {name} {{ {words} }}")
        return "\n".join(lines)

    def pass_others(self) -> None:
        """Let our traffic through a FORWARD chain of iptables that drops by default."""
        rules = self._foreign_forward_rules()
        if rules is None or any(rule.get("comment") == self._table for rule in rules):
            return
        note = f'comment "{self._table}"'
        for direction in ("oifname", "iifname"):
            self.nft.run(
                f'insert rule ip filter FORWARD {direction} "{self._pattern}" counter accept {note}'
            )
        log.warning(
            "the iptables chain FORWARD drops by default (dockerd does that): a rule that lets"
            " wherry's bridges pass was put first in it"
        )

    def _foreign_forward_rules(self) -> list[dict[str, Any]] | None:
        """Return the rules of a FORWARD chain that drops; None where there is no such chain."""
        try:
            listed = json.loads(self.nft.run("list chain ip filter FORWARD"))
        except FirewallError:
            return None
        chains = [item["chain"] for item in listed["nftables"] if "chain" in item]
        if not any(chain.get("policy") == "drop" for chain in chains):
            return None
        return _rules(listed)

    def remove(self) -> None:
        """Take out everything of this engine's."""
        self.nft.run(f"add table inet {self._table}\ndelete table inet {self._table}")
        for rule in self._foreign_forward_rules() or ():
            if rule.get("comment") == self._table:
                self.nft.run(f"delete rule ip filter FORWARD handle {rule['handle']}")

    def close(self) -> None:
        """Let go of the library."""
        self.nft.close()


def _rules(listed: dict[str, Any]) -> list[dict[str, Any]]:
    return [item["rule"] for item in listed["nftables"] if "rule" in item]
