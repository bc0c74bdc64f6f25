"""A container as it is shown: its record, and what is known of it besides."""

from __future__ import annotations

from wherry.base.values import dataclass, field
from wherry.engine.containers.record import Container


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A record with paths on disk; sizes in bytes, None where nobody asked."""

    record: Container
    directory: str
    log_path: str
    graph_data: dict[str, str] = field(default_factory=dict)
    size_rw: int | None = None
    size_root_fs: int | None = None
