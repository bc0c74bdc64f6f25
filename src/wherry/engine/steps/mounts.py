"""The mounts of a step as entries of the runtime-spec: pure.

An overlay without an upper directory is read-only, and the kernel wants two directories for it: an
empty one is put below a single one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wherry.base.errors import InvalidError
from wherry.build.ports import StepMount
from wherry.store.snapshots import SELF_CONTAINED

# What separates options and layers, and what takes that meaning away.
_SPECIAL: Final = re.compile(r"([\\:,])")


class BadMountError(InvalidError):
    """A mount of a step makes no sense."""


def overlay_options(
    lowers: Sequence[str], empty: str, upper: str = "", work: str = ""
) -> list[str]:
    """Return the options of an overlay of `lowers`, the topmost first, with all paths escaped."""
    below = [*lowers] or [empty]
    if not upper:
        padded = below if len(below) > 1 else [*below, empty]
        return [f"lowerdir={_joined(padded)}"]
    return [
        f"lowerdir={_joined(below)}",
        f"upperdir={_escaped(upper)}",
        f"workdir={_escaped(work)}",
        *SELF_CONTAINED,
    ]


def _joined(paths: Iterable[str]) -> str:
    return ":".join(map(_escaped, paths))


def _escaped(path: str) -> str:
    return _SPECIAL.sub(r"\\\1", path)


def spec_mounts(mounts: Sequence[StepMount], empty: str) -> list[dict[str, Any]]:
    """Return the entries for a step's mounts; `empty` is a directory that is and stays empty."""
    return [_spec_mount(mount, empty) for mount in mounts]


def _spec_mount(mount: StepMount, empty: str) -> dict[str, Any]:
    destination = "/" + mount.target.strip("/")
    if not destination.strip("/."):
        raise BadMountError(f'invalid mount target "{mount.target}": it is the root directory')
    match mount.kind:
        case "bind":
            source, options = mount.source, ["rbind", "rprivate"]
        case "overlay":
            source = "overlay"
            options = overlay_options(mount.lowers, empty, mount.upper, mount.work)
        case "tmpfs":
            source, options = "tmpfs", ["nosuid"]
            if mount.size:
                options.append(f"size={mount.size}")
        case _:
            raise BadMountError(f'invalid kind of mount "{mount.kind}" at {mount.target}')
    if mount.read_only:
        options.append("ro")
    return {
        "destination": destination,
        "type": mount.kind,
        "source": source,
        "options": options,
    }
