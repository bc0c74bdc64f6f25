"""Every setting there is, as data; the only source of flags, file, help, reference and man page.

engine.py       where the engine listens, where it keeps things, what it logs
containers.py   what new containers get
networks.py     the default network, and what new networks get
transfers.py    registries, pulls and pushes, builds
docker.py       dockerd's settings that change nothing here, or ask for what wherry does not do
programs.py     flags that are no settings
"""

from __future__ import annotations

from typing import Final

from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table.containers import CONTAINERS
from wherry.daemon.configuration.table.docker import DOCKER
from wherry.daemon.configuration.table.engine import ENGINE
from wherry.daemon.configuration.table.networks import NETWORKS
from wherry.daemon.configuration.table.programs import PROGRAM, RETIRED
from wherry.daemon.configuration.table.transfers import TRANSFERS

TABLE: Final[tuple[Setting, ...]] = (*ENGINE, *CONTAINERS, *NETWORKS, *TRANSFERS, *DOCKER)
BY_KEY: Final = {setting.key: setting for setting in TABLE}
# What holds others: "proxies", "builder", "builder.gc".
OUTER: Final = frozenset(
    ".".join(setting.path[:depth]) for setting in TABLE for depth in range(1, len(setting.path))
)

__all__ = ["BY_KEY", "OUTER", "PROGRAM", "RETIRED", "TABLE"]
