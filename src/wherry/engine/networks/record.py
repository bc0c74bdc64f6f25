"""What the engine keeps of a network."""

from __future__ import annotations

import msgspec

from wherry.base.ids import NetworkId
from wherry.network.addresses import Address, Network, first_address, parse_address, parse_subnet
from wherry.network.firewall import Zone
from wherry.network.links import Bridge

BRIDGE, HOST, NONE = "bridge", "host", "none"
PREDEFINED = (BRIDGE, HOST, NONE)
_BRIDGE_NAME = "com.docker.network.bridge.name"
_MTU = "com.docker.network.driver.mtu"


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
        name = self.options.get(_BRIDGE_NAME) or default_name
        mtu = self.options.get(_MTU, "0")
        size = int(mtu) if mtu.isdecimal() else 0
        return Bridge(name[:15], self.network(), self.gateway_address(), size)

    def zone(self, bridge: Bridge) -> Zone:
        """Return the network as the firewall sees it."""
        return Zone(bridge.name, str(bridge.subnet), self.internal)
