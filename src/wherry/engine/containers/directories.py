"""The directories that a container has from its creation on.

<container>/upper, work      the writable layer, which is the store's
<container>/rootfs, logs     where the bundle mounts it, and where the keeper writes output
"""

from __future__ import annotations

import os

from wherry.engine.containers.record import Container
from wherry.store.snapshots import SnapshotStore

_OURS = ("rootfs", "logs")


def make(snapshots: SnapshotStore, record: Container) -> None:
    """Make them for a new container."""
    snapshots.prepare(record.id, record.layers)
    for name in _OURS:
        os.mkdir(f"{snapshots.directory(record.id)}/{name}", 0o755)


def mend(snapshots: SnapshotStore, record: Container) -> None:
    """Make those that a power cut has kept from the disk; raises OSError."""
    snapshots.mend(record.id, record.layers)
    for name in _OURS:
        os.makedirs(f"{snapshots.directory(record.id)}/{name}", 0o755, exist_ok=True)
