"""What the engine keeps of a network."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from wherry.base.errors import InvalidError
from wherry.base.ids import NetworkId
from wherry.network.addresses import Address, Network, first_address, parse_address, parse_subnet
from wherry.network.firewall import Zone
from wherry.network.links import Bridge

BRIDGE, HOST, NONE = "bridge", "host", "none"
PREDEFINED = (BRIDGE, HOST, NONE)
_BRIDGE_NAME = "com.docker.network.bridge.name"
_MTU = "com.docker.network.driver.mtu"
_MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
_BETWEEN = "com.docker.network.bridge.enable_icc"
_BINDING = "com.docker.network.bridge.host_binding_ipv4"
# The kernel takes nearly anything for a name; rules and paths in /proc are made of this one.
_INTERFACE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}")
_LEAST_MTU, _MOST_MTU = 68, 65535
_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")
# An address of the subnet that is the containers' router instead of the bridge.
ROUTER = "DefaultGatewayIPv4"


class NetworkRecord(msgspec.Struct, omit_defaults=True):
    """A network; `subnet` empty for those without a bridge. `created` in nanoseconds."""

    id: NetworkId
    name: str
    driver: str
    created: int
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    auxiliary: dict[str, str] = msgspec.field(default_factory=dict)
    internal: bool = False
    attachable: bool = False
    options: dict[str, str] = msgspec.field(default_factory=dict)
    ipam_options: dict[str, str] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    chosen_subnet: bool = False

    @property
    def user_defined(self) -> bool:
        """True for a network that a user made: its containers have names."""
        return self.name not in PREDEFINED

    def network(self) -> Network:
        """Return the subnet."""
        return parse_subnet(self.subnet)

    def gateway_address(self) -> Address:
        """Return the bridge's own address."""
        return parse_address(self.gateway) if self.gateway else first_address(self.network())

    def bridge(self, default_name: str) -> Bridge:
        """Return the bridge of the network."""
        name = self.chosen_bridge or default_name
        return Bridge(name, self.network(), self.gateway_address(), self.mtu, self.router_address())

    def router_address(self) -> Address:
        """Return where containers send what is for elsewhere."""
        given = self.auxiliary.get(ROUTER)
        return parse_address(given) if given else self.gateway_address()

    @property
    def mtu(self) -> int:
        """The largest packet, in bytes; 0 where nobody chose it."""
        return int(self.options.get(_MTU) or 0)

    @property
    def isolated(self) -> bool:
        """True where containers do not reach each other."""
        return self.options.get(_BETWEEN, "").lower() in _FALSE

    @property
    def binding(self) -> str:
        """The host's address that ports are published on where nobody named one."""
        return self.options.get(_BINDING, "")

    @property
    def chosen_bridge(self) -> str:
        """The bridge's name where a user chose one."""
        return self.options.get(_BRIDGE_NAME, "")

    def zone(self, bridge: Bridge) -> Zone:
        """Return the network as the firewall sees it."""
        masquerade = self.options.get(_MASQUERADE, "").lower() not in _FALSE
        return Zone(bridge.name, str(bridge.subnet), self.internal, masquerade)


def check_options(options: Mapping[str, str]) -> None:
    """Refuse options of the driver that make no sense. Raises InvalidError."""
    name = options.get(_BRIDGE_NAME, "")
    if name and not _INTERFACE.fullmatch(name):
        raise InvalidError(
            f"invalid bridge name {name!r}: at most 15 of [a-zA-Z0-9_.-], the first no sign"
        )
    mtu = options.get(_MTU, "")
    if mtu and not (
        mtu.isascii() and mtu.isdecimal() and len(mtu) < 6 and _LEAST_MTU <= int(mtu) <= _MOST_MTU
    ):
        raise InvalidError(f"invalid MTU {mtu!r}: a number from {_LEAST_MTU} to {_MOST_MTU}")
    for key in (_BETWEEN, _MASQUERADE):
        if options.get(key, "").lower() not in ("", *_TRUE, *_FALSE):
            raise InvalidError(f"invalid option {key}={options[key]}: true or false")
    if options.get(_BINDING):
        parse_address(options[_BINDING])


def default_bridge_options(
    name: str, mtu: int, *, icc: bool, masquerade: bool, binding: str
) -> dict[str, str]:
    """Return the options of the default bridge, all that Docker shows of its own."""
    return {
        "com.docker.network.bridge.default_bridge": "true",
        _BETWEEN: "true" if icc else "false",
        _MASQUERADE: "true" if masquerade else "false",
        _BINDING: binding,
        _BRIDGE_NAME: name,
        _MTU: str(mtu),
    }
