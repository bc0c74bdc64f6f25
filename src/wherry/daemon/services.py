"""The engine as one value: a group of verbs for each kind of object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.build.service import Builds
    from wherry.engine.containers.service import Containers
    from wherry.engine.exec.service import Execs
    from wherry.engine.images.service import Images
    from wherry.engine.networks.service import Networks
    from wherry.engine.system.service import System
    from wherry.engine.volumes.service import Volumes


@dataclass(frozen=True, slots=True)
class Services:
    """What the API is built on."""

    containers: Containers
    exec: Execs
    images: Images
    networks: Networks
    volumes: Volumes
    builds: Builds
    system: System
