"""Everything of wherryd that can be set, typed and checked."""

from __future__ import annotations

import re
from typing import Final

from wherry.base.values import dataclass, field
from wherry.engine.settings import Settings

DEFAULT_FILE: Final = "/etc/wherry/daemon.json"
DEFAULT_HOST: Final = "unix:///run/wherry/wherry.sock"
DEFAULT_DATA_ROOT: Final = "/var/lib/wherry"
DEFAULT_EXEC_ROOT: Final = "/run/wherry"
PIDFILE: Final = "wherryd.pid"
# What the build cache may keep when nothing is ever to be removed from it, in bytes.
NO_LIMIT: Final = 1 << 62
_LOOPBACK: Final = r"127\..*|::1|localhost"


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How clients and engine prove who they are on TCP; paths are absolute, to files in PEM.

    Without `verify` clients need no certificate; with it, one that `authority` has signed.
    """

    certificate: str
    key: str
    authority: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """The engine's own registry: where to serve, `host` "" for every address.

    Paths are absolute, "" for none.
    """

    host: str
    port: int
    htpasswd: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def is_public(self) -> bool:
        """Tell whether others than this machine reach it."""
        return not is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Options:
    """The configuration. Paths are absolute; hosts are as `hosts.canonical` returns them.

    build_cache: what the build cache may keep, in bytes; 0 for a tenth of the disk, at most 20 GiB.
    keepers: processes that hold containers; 0 for as many as CPUs, at most 4.
    notes: sentences about what was set and changes nothing, for the log.
    """

    hosts: tuple[str, ...] = (DEFAULT_HOST,)
    data_root: str = DEFAULT_DATA_ROOT
    exec_root: str = DEFAULT_EXEC_ROOT
    pidfile: str = f"{DEFAULT_EXEC_ROOT}/{PIDFILE}"
    log_level: str = "info"
    log_format: str = "text"
    group: str = ""
    keepers: int = 0
    build_cache: int = 0
    registry: RegistryOptions | None = None
    tls: TlsOptions | None = None
    engine: Settings = field(default_factory=Settings)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def debug(self) -> bool:
        """Log more, and say so in `info`."""
        return self.engine.debug

    @property
    def insecure_registries(self) -> tuple[str, ...]:
        """Registries that are reached without verified TLS."""
        return self.engine.transfers.insecure_registries

    @property
    def registry_mirrors(self) -> tuple[str, ...]:
        """Mirrors of docker.io, tried first."""
        return self.engine.transfers.mirrors


def is_loopback(host: str) -> bool:
    """Tell whether an address, without brackets, is reached from this machine only."""
    return bool(re.fullmatch(_LOOPBACK, host))
