"""What the engine that is looked at was told: its flags, its configuration file, or the defaults.

A running engine is asked by its own command line, so that a doctor without any flag looks at the
engine that is there. A configuration that cannot be read is a finding of `configuration`, and no
reason not to look at the rest: the defaults stand in for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wherry.base.errors import WherryError
from wherry.base.values import dataclass

if TYPE_CHECKING:
    from wherry.daemon.configuration import Options

CONFIG_FILE: Final = "/etc/wherry/daemon.json"
DEFAULT_GROUP: Final = "wherry"
DEFAULT_PIDFILE: Final = "/run/wherry/wherryd.pid"


@dataclass(frozen=True, slots=True)
class Tls:
    """Where the certificates of the API are; `verify` when clients must show theirs."""

    authority: str
    certificate: str
    key: str
    verify: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What the checks need of the configuration. Paths are absolute.

    `flags` is how an engine with these settings is started; `named` when whoever asks named it.
    """

    config_file: str = CONFIG_FILE
    data_root: str = "/var/lib/wherry"
    exec_root: str = "/run/wherry"
    pidfile: str = DEFAULT_PIDFILE
    hosts: tuple[str, ...] = ("unix:///run/wherry/wherry.sock",)
    group: str = ""
    tls: Tls | None = None
    pools: tuple[tuple[str, int], ...] = ()  # networks, and the prefix length of their pieces
    proxies: Mapping[str, str] | None = None
    resolvers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    named: bool = False

    @property
    def sockets(self) -> list[str]:
        """The paths of its unix sockets."""
        return [h.removeprefix("unix://") for h in self.hosts if h.startswith("unix://")]


def read(flags: Sequence[str], config_file: str) -> Settings:
    """Read flags of wherryd and its file; raises WherryError, OSError, ImportError.

    What contradicts itself, or is not there, is taken as it was said: an engine refuses it, which
    `configuration` tells, and other checks say what is wrong with it.
    """
    # These are among the parts that may be broken.
    from wherry.base.configuration.document import Document  # noqa: PLC0415
    from wherry.daemon.configuration import document as files  # noqa: PLC0415
    from wherry.daemon.configuration.assemble import assemble  # noqa: PLC0415
    from wherry.daemon.configuration.flags import parse  # noqa: PLC0415
    from wherry.daemon.configuration.read import read as read_all  # noqa: PLC0415

    document = Document(config_file, {}, {})
    with contextlib.suppress(OSError), open(config_file, "rb") as file:
        document = files.parse(config_file, file.read(files.MOST_BYTES + 1))
    for flag in parse(flags).flags:
        document.put(flag)
    return _chosen(assemble(read_all(document).values), flags, config_file)


def _chosen(options: Options, flags: Sequence[str], config_file: str) -> Settings:
    transfers, tls = options.engine.transfers, options.tls
    return Settings(
        config_file,
        options.data_root,
        options.exec_root,
        options.pidfile,
        options.hosts,
        options.group,
        Tls(tls.authority, tls.certificate, tls.key, tls.verify) if tls else None,
        tuple((str(pool.base), pool.size) for pool in options.engine.networks.address_pools),
        {
            "HTTP_PROXY": transfers.http_proxy,
            "HTTPS_PROXY": transfers.https_proxy,
            "NO_PROXY": transfers.no_proxy,
        },
        tuple(options.engine.containers.dns),
        tuple(flags),
    )


def standing_in(flags: Sequence[str], config_file: str) -> Settings:
    """Return the defaults, with what the flags say of places."""
    given = dict(_pairs(flags))
    exec_root = os.path.abspath(given.get("exec-root", Settings().exec_root))
    return replace(
        Settings(config_file=config_file, flags=tuple(flags)),
        data_root=os.path.abspath(given.get("data-root", Settings().data_root)),
        exec_root=exec_root,
        pidfile=os.path.abspath(given.get("pidfile", f"{exec_root}/wherryd.pid")),
        hosts=(given["host"],) if "host" in given else Settings().hosts,
    )


def _pairs(flags: Sequence[str]) -> list[tuple[str, str]]:
    """Return `--name value` and `--name=value` as pairs (pure)."""
    found = []
    for at, word in enumerate(flags):
        name, equals, value = word.removeprefix("--").partition("=")
        if equals:
            found.append((name, value))
        elif at + 1 < len(flags):
            found.append((name, flags[at + 1]))
    return found


def config_file_of(flags: Sequence[str]) -> str:
    """Return which configuration file these flags name."""
    return os.path.abspath(dict(_pairs(flags)).get("config-file", CONFIG_FILE))


def settings_for(flags: Sequence[str]) -> Settings:
    """Return what these flags and their file say, or what stands in for it."""
    config_file = config_file_of(flags)
    try:
        return read(flags, config_file)
    except (WherryError, OSError, ImportError):
        return standing_in(flags, config_file)
