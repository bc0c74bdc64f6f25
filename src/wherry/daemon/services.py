"""The engine as one value: a group of verbs for each kind of object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.build.service import Builds
    from wherry.engine.containers.service import Containers
    from wherry.engine.exec.service import Execs
    from wherry.engine.images.service import Images
    from wherry.engine.networks.service import Networks
    from wherry.engine.system.service import System
    from wherry.engine.volumes.service import Volumes


@dataclass(frozen=True)
class Services:
    """What the API is built on; `make_builds` is called by the first who builds."""

    containers: Containers
    exec: Execs
    images: Images
    networks: Networks
    volumes: Volumes
    system: System
    make_builds: Callable[[], Builds]

    @cached_property
    def builds(self) -> Builds:
        """Verbs of builds."""
        return self.make_builds()
