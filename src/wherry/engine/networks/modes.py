"""What --network, --ip and --publish ask for, checked before anything is made: pure.

Words of refusals are dockerd's (moby runconfig/hostconfig_unix.go, daemon/container_operations.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from wherry.base.errors import ConflictError, InvalidError, UnsupportedError
from wherry.engine.containers.record import Container
from wherry.engine.networks.files import is_address, is_word, split_extra
from wherry.engine.networks.record import BRIDGE, HOST, NONE, NetworkRecord
from wherry.network.addresses import parse_address
from wherry.network.ports import Wanted
from wherry.wire.container_config import EndpointSettings, NetworkingConfig, PortBinding

_DEFAULTS: Final = ("", "default", BRIDGE)
_OF_CONTAINER: Final = "container:"
_PROTOCOLS: Final = ("tcp", "udp")
_HARDWARE_ADDRESS: Final = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_HIGHEST_PORT: Final = 65535


def joined_container(mode: str) -> str | None:
    """Return whose network namespace a mode joins, None for one of its own or the host's."""
    if not mode.startswith(_OF_CONTAINER):
        return None
    reference = mode.removeprefix(_OF_CONTAINER)
    if not reference:
        raise InvalidError("Invalid network mode: invalid container format container:<name|id>")
    return reference


def main_network(record: Container) -> str | None:
    """Return the network that the mode names, None for those without endpoints."""
    mode = record.host_config.network_mode
    if record.config.network_disabled or mode in (HOST, NONE) or mode.startswith(_OF_CONTAINER):
        return None
    return BRIDGE if mode in _DEFAULTS else mode


def check_options(record: Container) -> None:
    """Refuse options that contradict the mode."""
    host, mode = record.host_config, record.host_config.network_mode
    _check_files(record)
    if mode.startswith(_OF_CONTAINER):
        if host.port_bindings or host.publish_all_ports:
            raise InvalidError(
                "conflicting options: port publishing and the container type network mode"
            )
        if record.config.exposed_ports:
            # An image's exposed ports are nobody's wish: they are left out, as Docker does.
            record.config.exposed_ports = None
        if host.extra_hosts:
            raise InvalidError(
                "conflicting options: custom host-to-IP mapping and the network mode"
            )
        if host.dns:
            raise InvalidError("conflicting options: dns and the network mode")
        if host.links:
            raise InvalidError(
                "conflicting options: container type network can't be used with links. This would"
                " result in undefined behavior"
            )
    if mode == HOST and host.links:
        raise InvalidError("conflicting options: host type networking can't be used with links")
    wanted_ports(record)


def _check_files(record: Container) -> None:
    """Refuse what would become something else in hosts, hostname and resolv.conf."""
    host, config = record.host_config, record.config
    for name in (config.hostname, config.domainname):
        if name and not is_word(name):
            raise InvalidError(f"invalid hostname {name!r}")
    for entry in host.extra_hosts or ():
        split_extra(entry)
    for address in host.dns or ():
        if not is_address(address):
            raise InvalidError(f"invalid IP address for dns: {address!r}")
    for domain in host.dns_search or ():
        if not is_word(domain):
            raise InvalidError(f"{domain!r} is not a valid domain")
    for option in host.dns_options or ():
        if not is_word(option):
            raise InvalidError(f"invalid option for dns: {option!r}")


def wanted_endpoints(
    record: Container, networking: NetworkingConfig | None, find: Callable[[str], NetworkRecord]
) -> dict[str, EndpointSettings]:
    """Return the endpoints that a new container is to have, by the name of their network."""
    given: Mapping[str, EndpointSettings | None] = {}
    if networking is not None:
        given = networking.endpoints_config or {}
    main = main_network(record)
    if main is None:
        return {}
    found: dict[str, EndpointSettings] = {}
    network = find(main)
    if network.driver != "bridge":
        raise InvalidError(f"container cannot be connected to network {network.name} by a name")
    # First in order: it has the default route and the published ports.
    found[network.name] = EndpointSettings()
    for reference, settings in given.items():
        other = find(BRIDGE if reference == "default" else reference)
        if other.driver != "bridge":
            raise ConflictError(
                "container cannot be connected to multiple networks with one of the networks in"
                f" {other.name} mode"
            )
        found[other.name] = settings or EndpointSettings()
    for name, settings in found.items():
        found[name] = checked(settings, find(name))
    return found


def checked(settings: EndpointSettings, network: NetworkRecord) -> EndpointSettings:
    """Return the part of settings that users choose; raises where the network cannot give it."""
    wanted = settings.ipam_config
    if wanted is not None and wanted.ipv6_address:
        raise UnsupportedError("IPv6 addresses are not supported: leave --ip6 out")
    if wanted is not None and wanted.ipv4_address:
        if not network.user_defined:
            raise InvalidError(
                "invalid config for network bridge: user specified IP address is supported on user"
                " defined networks only"
            )
        if not network.chosen_subnet:
            raise InvalidError(
                f"invalid config for network {network.name}: user specified IP address is supported"
                " only when connecting to networks with user configured subnets"
            )
        if parse_address(wanted.ipv4_address) not in network.network():
            raise InvalidError(
                f"invalid config for network {network.name}: no configured subnet contains IP"
                f" address {wanted.ipv4_address}"
            )
    if wanted is not None and wanted.link_local_ips:
        raise UnsupportedError("link-local addresses are not supported: leave --link-local-ip out")
    if settings.gw_priority:
        raise UnsupportedError(
            "gateway priorities are not supported: the network that a container is created with"
            " has the default route"
        )
    if settings.aliases and not network.user_defined:
        raise InvalidError(
            "invalid config for network bridge: network-scoped aliases are only supported for"
            " user-defined networks"
        )
    if settings.mac_address and not _HARDWARE_ADDRESS.fullmatch(settings.mac_address):
        raise InvalidError(f"invalid MAC address: {settings.mac_address}")
    return EndpointSettings(
        ipam_config=wanted,
        links=settings.links,
        aliases=settings.aliases,
        mac_address=settings.mac_address,
        driver_opts=settings.driver_opts,
        network_id=network.id,
    )


def wanted_ports(record: Container, binding: str = "") -> list[tuple[str, Wanted]]:
    """Return what is to be published: the container's port as `80/tcp`, and where.

    `binding` is the host's address for those that name none.
    """
    if main_network(record) is None:
        return []
    bindings = dict(record.host_config.port_bindings or {})
    if record.host_config.publish_all_ports:
        for port in record.config.exposed_ports or ():
            bindings.setdefault(normal_port(port), [PortBinding()])
    found = []
    for port, places in bindings.items():
        number, protocol = split_port(port)
        for place in places or [PortBinding()]:
            first, last = _host_range(place, port)
            if place.host_ip and ":" in place.host_ip:
                raise UnsupportedError(
                    f"publishing on {place.host_ip} is not supported: only IPv4 addresses are"
                )
            address = str(parse_address(place.host_ip)) if place.host_ip else binding
            key = f"{number}/{protocol}"
            found.append((key, Wanted(protocol, number, address, first, last)))
    return found


def normal_port(text: str) -> str:
    """Return a port with its protocol."""
    number, protocol = split_port(text)
    return f"{number}/{protocol}"


def split_port(text: str) -> tuple[int, str]:
    number, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in _PROTOCOLS:
        raise UnsupportedError(f"invalid port {text}: only tcp and udp can be published")
    return _number(number, text), protocol


def _host_range(place: PortBinding, port: str) -> tuple[int, int]:
    text = str(place.host_port)
    if text in ("", "0"):
        return 0, 0
    first, _, last = text.partition("-")
    low = _number(first, text)
    high = _number(last, text) if last else low
    if high < low:
        raise InvalidError(f'invalid port specification: "{text}" for {port}')
    return low, high


def _number(digits: str, text: str) -> int:
    if not digits.isascii() or not digits.isdecimal() or not 0 < int(digits) <= _HIGHEST_PORT:
        raise InvalidError(f'invalid port specification: "{text}"')
    return int(digits)


def without_addresses(settings: EndpointSettings) -> EndpointSettings:
    """Return an endpoint as it is while its container does not run."""
    return msgspec.structs.replace(
        settings, endpoint_id="", gateway="", ip_address="", ip_prefix_len=0, mac_address=""
    )
