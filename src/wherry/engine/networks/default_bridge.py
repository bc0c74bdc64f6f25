"""The default bridge as the settings want it: pure.

It is planned anew at every start of the engine, as dockerd does, and changes when nothing is
attached to it. Without an address in the settings it keeps the subnet that it once got.
"""

from __future__ import annotations

import msgspec

from wherry.base.errors import InvalidError
from wherry.engine.networks.record import ROUTER, NetworkRecord, default_bridge_options
from wherry.engine.settings import NetworkDefaults
from wherry.network.addresses import Network, Pool, first_address

DISABLED = "none"


def planned(network: NetworkRecord, wanted: NetworkDefaults, name: str, mtu: int) -> NetworkRecord:
    """Return what becomes of the default bridge; its subnet is empty where one is to be chosen.

    `name` is the interface's, `mtu` what it gets where the settings say nothing. `chosen_subnet`
    remembers that the settings gave the address: it is given up when they no longer do.
    """
    subnet, gateway = _subnet(network, wanted)
    return msgspec.structs.replace(
        network,
        subnet=subnet,
        gateway=gateway,
        chosen_subnet=wanted.bridge_address is not None,
        ip_range=str(wanted.fixed_cidr) if wanted.fixed_cidr else "",
        auxiliary={ROUTER: str(wanted.gateway)} if wanted.gateway else {},
        options=default_bridge_options(
            name,
            wanted.mtu or mtu,
            icc=wanted.icc,
            masquerade=wanted.masquerade,
            binding=wanted.binding_address,
        ),
    )


def _subnet(network: NetworkRecord, wanted: NetworkDefaults) -> tuple[str, str]:
    if wanted.bridge_address is not None:
        return str(wanted.bridge_address.network), str(wanted.bridge_address.ip)
    kept = network.network() if network.subnet and not network.chosen_subnet else None
    if wanted.fixed_cidr is not None:
        if kept is not None and wanted.fixed_cidr.subnet_of(kept):
            return network.subnet, network.gateway
        return str(wanted.fixed_cidr), str(first_address(wanted.fixed_cidr))
    if kept is None or not _in_pools(kept, wanted):
        return "", ""
    return network.subnet, network.gateway


def _in_pools(subnet: Network, wanted: NetworkDefaults) -> bool:
    """Tell whether a subnet is one that would be chosen; all are where no pools are set."""
    found = any(subnet.subnet_of(pool.base) for pool in wanted.address_pools)
    return found or not wanted.address_pools


def pools(wanted: NetworkDefaults) -> list[Pool]:
    """Return where subnets are chosen from, nothing for the usual pools."""
    return [(pool.base, pool.size) for pool in wanted.address_pools]


def check(network: NetworkRecord, others: list[NetworkRecord]) -> None:
    """Refuse settings that contradict each other, or networks there are. Raises InvalidError."""
    subnet = network.network()
    for other in others:
        if other.subnet and other.network().overlaps(subnet):
            raise InvalidError(
                f"the default bridge's subnet {subnet} overlaps with that of network {other.name}"
                f" ({other.subnet}): choose another bip, or remove the network"
            )
    if network.router_address() not in subnet:
        raise InvalidError(
            f"default-gateway {network.router_address()} is not in the default bridge's subnet"
            f" {subnet}: choose another one, or set bip, too"
        )
