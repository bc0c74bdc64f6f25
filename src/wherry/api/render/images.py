"""Images as inspect, list and history show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wherry.api.ports import HistoryView, ImageView, Removal
from wherry.api.render.config import config as render_config
from wherry.api.versions import Version
from wherry.oci.image import ImageRunConfig
from wherry.oci.reading import shaped
from wherry.wire.container_config import Config
from wherry.wire.times import NEVER, SECOND, parse_time

# docker-compose 1.29 indexes ContainerConfig, which moby leaves out from API 1.45 on.
_EMPTY_CONFIG: dict[str, Any] = render_config(Config())


def inspect(view: ImageView) -> dict[str, Any]:
    """Render GET /images/{name}/json."""
    config = view.config
    return {
        "Id": view.id,
        "RepoTags": view.tags,
        "RepoDigests": view.digests,
        "Parent": view.parent or "",
        "Comment": config.history[-1].comment if config.history else "",
        "Created": config.created or NEVER,
        "Container": config.container,
        "ContainerConfig": _EMPTY_CONFIG,
        "DockerVersion": config.docker_version,
        "Author": config.author,
        "Config": run_config(config.config),
        "Architecture": config.architecture,
        **({"Variant": config.variant} if config.variant else {}),
        "Os": config.os,
        **({"OsVersion": config.os_version} if config.os_version else {}),
        "Size": view.size,
        "VirtualSize": view.size,
        "GraphDriver": {"Name": "overlay2", "Data": view.graph_data},
        "RootFS": {"Type": "layers", "Layers": list(config.rootfs.diff_ids)},
        "Metadata": {"LastTagTime": NEVER},
    }


def run_config(value: ImageRunConfig | None) -> dict[str, Any]:
    """Render what an image gives its containers, in the shape of a container's Config."""
    plain = msgspec.to_builtins(value or ImageRunConfig())
    return render_config(shaped(plain, Config))


def summary(view: ImageView, version: Version) -> dict[str, Any]:
    """Render an entry of GET /images/json; before API 1.43, no tag was a tag of its own."""
    old = version < (1, 43)
    labels = view.config.config.labels if view.config.config else None
    return {
        "Id": view.id,
        "ParentId": view.parent or "",
        "RepoTags": list(view.tags) or (["<none>:<none>"] if old else []),
        "RepoDigests": list(view.digests) or (["<none>@<none>"] if old else []),
        "Created": created(view.config.created),
        "Size": view.size,
        "SharedSize": -1,
        "VirtualSize": view.size,
        "Labels": labels,
        "Containers": view.containers,
    }


def created(text: str | None) -> int:
    """Return a time of an image's configuration in seconds, 0 for none."""
    return max(parse_time(text, 0) // SECOND, 0) if text else 0


def history(steps: Sequence[HistoryView]) -> list[dict[str, Any]]:
    """Render GET /images/{name}/history, newest first."""
    return [
        {
            "Id": step.id or "<missing>",
            "Created": created(step.created),
            "CreatedBy": step.created_by,
            "Tags": step.tags or None,
            "Size": step.size,
            "Comment": step.comment,
        }
        for step in steps
    ]


def removed(step: Removal) -> dict[str, str]:
    """Render one step of a removal: `Untagged` and a reference, or `Deleted` and an id."""
    return {step[0]: step[1]}
