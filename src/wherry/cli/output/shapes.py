"""What JSON does not say about the engine's objects: which are maps, and what may be left out.

Docker's templates work on typed objects. An absent key of a map (labels, ports) prints
`<no value>`, an absent field is an error, and a field that is left out when empty is its zero
value; a struct prints as `{a b}`, a map as `map[k:v]`. These tables let JSON behave the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAPS = frozenset({
    "Annotations", "Attributes", "AuxiliaryAddresses", "Containers", "Data", "Details",
    "DriverOpts", "EndpointsConfig", "ExposedPorts", "Labels", "Networks", "Options",
    "PortBindings", "Ports", "Runtimes", "StorageOpt", "Sysctls", "Tmpfs", "Volumes",
})  # fmt: skip
LISTS = frozenset({
    "Args", "Aliases", "Binds", "BlkioDeviceReadBps", "CapAdd", "CapDrop", "ClientErrors", "Cmd",
    "Config", "DefaultAddressPools", "DeviceCgroupRules", "DeviceRequests", "Devices", "Dns",
    "DnsOptions", "DnsSearch", "DNSNames",
    "Entrypoint", "Env", "ExecIDs", "ExtraHosts", "GroupAdd", "Links", "MaskedPaths", "Mounts",
    "OnBuild", "ReadonlyPaths", "RepoDigests", "RepoTags", "SecurityOpt", "ServerErrors", "Shell",
    "SystemStatus", "Ulimits", "VolumesFrom", "Warnings",
})  # fmt: skip
OMITTED: dict[str, Any] = {
    "Author": "", "Comment": "", "ExposedPorts": {}, "Health": None, "Healthcheck": None,
    "Init": None, "KernelMemory": 0, "MacAddress": "", "Mounts": [], "Name": "",
    "Options": {}, "OsVersion": "", "Parent": "", "Propagation": "", "Shell": [],
    "SizeRootFs": None, "SizeRw": None, "Status": {}, "StopSignal": "", "StopTimeout": None,
    "StorageOpt": {}, "Sysctls": {}, "Tmpfs": {}, "UsageData": None, "Variant": "",
    "VolumeDriver": "", "Volumes": {},
}  # fmt: skip


def is_map(name: str, parent: str = "") -> bool:
    """Whether the field of this name holds a map with free keys."""
    return name in MAPS or (name == "Config" and parent == "LogConfig")


def is_struct(value: dict[str, Any]) -> bool:
    """Whether an object's keys look like the fields of a type."""
    return bool(value) and all(key[:1].isupper() and key.isalnum() for key in value)
