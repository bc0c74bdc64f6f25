"""The settings of the default network, and what new networks get."""

from __future__ import annotations

from typing import Final

from wherry.daemon.configuration import forms
from wherry.daemon.configuration.setting import Setting

_DEFAULT: Final = "Default network"
_NETWORKS: Final = "New networks"

NETWORKS: Final = (
    Setting(
        "bridge", ("-b", "--bridge"), forms.BRIDGE,
        'Say "none" for an engine without a default network.',
        _DEFAULT, example="none", into="engine.networks.bridge",
    ),
    Setting(
        "bip", ("--bip",), forms.INTERFACE,
        "The address of the default network's gateway with its prefix, which says the subnet.",
        _DEFAULT, example="192.168.240.1/24", into="engine.networks.bridge_address",
    ),
    Setting(
        "fixed-cidr", ("--fixed-cidr",), forms.NETWORK,
        "The part of the default network's subnet from which containers get addresses.",
        _DEFAULT, example="192.168.240.128/25", into="engine.networks.fixed_cidr",
    ),
    Setting(
        "default-gateway", ("--default-gateway",), forms.ADDRESS,
        "Another machine of the default network that is its gateway instead of this one.",
        _DEFAULT, example="192.168.240.254", into="engine.networks.gateway",
    ),
    Setting(
        "mtu", ("--mtu",), forms.whole(0, 65535),
        "The largest packet in the default network, in bytes; 0 for what the host's default"
        " route has, at most 1500.",
        _DEFAULT, default=0, example=1400, into="engine.networks.mtu",
    ),
    Setting(
        "icc", ("--icc",), forms.SWITCH,
        "Let containers of the default network talk to each other.",
        _DEFAULT, default=True, into="engine.networks.icc",
    ),
    Setting(
        "ip-masq", ("--ip-masq",), forms.SWITCH,
        "Give what containers of the default network send outside the address of the host.",
        _DEFAULT, default=True, into="engine.networks.masquerade",
    ),
    Setting(
        "ip", ("--ip",), forms.BINDING,
        "The address of the host at which ports are published that name none.",
        _DEFAULT, default="0.0.0.0",  # noqa: S104 - Docker's default, and the user's choice
        example="127.0.0.1", into="engine.networks.binding_address",
    ),
    Setting(
        "default-address-pools", ("--default-address-pool",), forms.POOLS,
        "Where subnets of new networks come from: networks of /size are cut out of base. Unset,"
        " Docker's: 172.17.0.0/16 and on, then pieces of 192.168.0.0/16.",
        _NETWORKS, default=[], example=[{"base": "10.10.0.0/16", "size": 24}],
        into="engine.networks.address_pools",
    ),
    Setting(
        "default-network-opts", ("--default-network-opt",), forms.NETWORK_OPTIONS,
        "Options that new networks get, by their driver, unless they have their own.",
        _NETWORKS, default={},
        example={"bridge": {"com.docker.network.driver.mtu": "1400"}},
        into="engine.networks.bridge_options",
    ),
)  # fmt: skip
