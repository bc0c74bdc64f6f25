"""What an operator sets for a whole engine: defaults of new containers, networks, transfers.

Values only, as dockerd's configuration file names them; `daemon.configuration` reads them, the
services of the engine act on them. `Live` holds those in force: a reload replaces them at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from wherry.base.values import dataclass, field

DEFAULT_SHM_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ContainerDefaults:
    """What a new container gets that asked for nothing else."""

    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # name: (soft, hard)
    shm_bytes: int = DEFAULT_SHM_BYTES
    ipc_mode: str = "private"
    cgroupns_mode: str = ""  # "": private on cgroup v2, host on v1, as in Docker
    init: bool = False
    init_path: str = ""  # "": docker-init, tini or catatonit, wherever it is
    no_new_privileges: bool = False
    seccomp_profile: str = "builtin"  # or "unconfined", or the path of a profile
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressPool:
    """Where subnets of new networks come from: pieces of `1 << (32 - size)` addresses."""

    base: IPv4Network
    size: int


@dataclass(frozen=True, slots=True)
class NetworkDefaults:
    """The default bridge, and what networks get that asked for nothing else."""

    bridge: str = ""  # "none": no default bridge
    bridge_address: IPv4Interface | None = None  # bip
    fixed_cidr: IPv4Network | None = None
    gateway: IPv4Address | None = None  # default-gateway
    mtu: int = 0  # 0: that of the host's default route, at most 1500
    icc: bool = True
    masquerade: bool = True
    binding_address: str = "0.0.0.0"  # noqa: S104 - what Docker publishes on
    address_pools: tuple[AddressPool, ...] = ()
    bridge_options: Mapping[str, str] = field(default_factory=dict)  # default-network-opts


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """Pulls and pushes. Proxies are for the engine's own traffic."""

    downloads: int = 3
    uploads: int = 5
    attempts: int = 5
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    insecure_registries: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything of the engine that can be set."""

    containers: ContainerDefaults = field(default_factory=ContainerDefaults)
    networks: NetworkDefaults = field(default_factory=NetworkDefaults)
    transfers: TransferSettings = field(default_factory=TransferSettings)
    labels: tuple[str, ...] = ()
    debug: bool = False


class Live:
    """The settings in force."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.current = settings or Settings()
