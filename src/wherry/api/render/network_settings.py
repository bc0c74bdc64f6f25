"""A container's networks, ports and mounts as inspect and list show them.

The address fields at the top repeat the default bridge's endpoint: API 1.52 dropped them, and
clients still read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wherry.engine.containers.record import Container, MountPoint
from wherry.wire.container_config import EndpointSettings, PortBinding

_REPEATED = (
    "EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen IPAddress IPPrefixLen IPv6Gateway"
    " MacAddress"
).split()


def network_settings(record: Container) -> dict[str, Any]:
    """Render NetworkSettings of inspect."""
    top = endpoint(record.networks.get("bridge") or EndpointSettings())
    return {
        "Bridge": "",
        "SandboxID": record.id if record.state.running else "",
        "SandboxKey": f"/proc/{record.state.pid}/ns/net" if record.state.running else "",
        "Ports": ports(record.ports),
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        **{key: top[key] for key in _REPEATED},
        "Networks": networks(record.networks),
    }


def networks(endpoints: Mapping[str, EndpointSettings]) -> dict[str, Any]:
    """Render endpoints by the name of their network."""
    return {name: endpoint(settings) for name, settings in endpoints.items()}


def endpoint(settings: EndpointSettings) -> dict[str, Any]:
    """Render one endpoint."""
    plain: dict[str, Any] = msgspec.to_builtins(settings)
    return plain


def ports(published: Mapping[str, list[PortBinding] | None]) -> dict[str, Any]:
    """Render ports as inspect does: null for one that is exposed and not published."""
    return {
        port: [{"HostIp": b.host_ip, "HostPort": str(b.host_port)} for b in bindings]
        if bindings
        else None
        for port, bindings in published.items()
    }


def port_list(published: Mapping[str, list[PortBinding] | None]) -> list[dict[str, Any]]:
    """Render ports as list does: one entry for each binding."""
    entries: list[dict[str, Any]] = []
    for port, bindings in published.items():
        number, _, protocol = port.partition("/")
        inner = {"PrivatePort": int(number), "Type": protocol or "tcp"}
        if not bindings:
            entries.append(inner)
        for binding in bindings or ():
            outer = {"IP": binding.host_ip, "PublicPort": int(binding.host_port or 0)}
            entries.append({**outer, **inner})
    return entries


def mount(point: MountPoint) -> dict[str, Any]:
    """Render a mount point."""
    named = {"Name": point.name} if point.name else {}
    driver = {"Driver": point.driver} if point.driver else {}
    return {
        "Type": point.type,
        **named,
        "Source": point.source,
        "Destination": point.destination,
        **driver,
        "Mode": point.mode,
        "RW": point.read_write,
        "Propagation": point.propagation,
    }
