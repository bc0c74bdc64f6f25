"""Config and HostConfig as inspect shows them.

Go leaves some empty fields out and writes others as `{}`, `[]` or null; clients index into them, so
each is rendered the way dockerd does.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.wire.container_config import Config, HostConfig

_OMITTED = frozenset(
    "ExposedPorts Healthcheck ArgsEscaped NetworkDisabled MacAddress StopSignal StopTimeout Shell"
    " Annotations StorageOpt Tmpfs Sysctls Init Mounts".split()
)
_LISTS = (
    "Dns", "DnsOptions", "DnsSearch", "Devices", "Ulimits", "BlkioWeightDevice",
    "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps",
)  # fmt: skip
_FIXED: dict[str, Any] = {
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
}


def config(value: Config) -> dict[str, Any]:
    """Render the portable part."""
    plain = _plain(value)
    plain["Labels"] = plain["Labels"] or {}
    for key in ("Cmd", "Entrypoint"):
        if isinstance(plain[key], str):
            plain[key] = [plain[key]]
    return plain


def host_config(value: HostConfig) -> dict[str, Any]:
    """Render the part that depends on the host."""
    plain = _plain(value)
    for key in _LISTS:
        plain[key] = plain[key] or []
    plain["PortBindings"] = {
        port: [{**b, "HostPort": str(b["HostPort"])} for b in bindings or []]
        for port, bindings in (plain["PortBindings"] or {}).items()
    }
    plain["LogConfig"]["Config"] = plain["LogConfig"]["Config"] or {}
    plain["ConsoleSize"] = plain["ConsoleSize"] or [0, 0]
    return {**plain, **_FIXED}


def _plain(value: Config | HostConfig) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {k: v for k, v in plain.items() if v is not None or k not in _OMITTED}
