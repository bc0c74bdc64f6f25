"""A cached repository, as the parts of the cache hand it to each other."""

from __future__ import annotations

from wherry.base.values import dataclass
from wherry.registry.server.cache.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Place:
    """Its `name` here, its `path` at the upstream; `refresh` in seconds, as in the settings."""

    upstream: Upstream
    path: str
    name: str
    refresh: float
