"""Writable layers of containers: `containers/<id>/{upper,work}`, and mounts as values.

The mounts are executed by whoever starts the container, inside its mount namespace; nothing is
mounted here.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from typing import Final

from wherry.base.trees import size_below
from wherry.base.values import dataclass
from wherry.oci.digest import Digest
from wherry.store import trash
from wherry.store.errors import full_disk_named
from wherry.store.layers.diff import Change, changes
from wherry.store.layers.store import LayerStore
from wherry.store.layers.view import LayerView
from wherry.store.layout import Layout

# Whatever a distribution has made the default (Linux 4.19 and later know all three): a writable
# layer has every file whole and under its own name, so that it is a layer once it is renamed and
# has others on top, and layers may come and go below it. It also gives the same layer everywhere:
# with any of them on, new directories are marked opaque though they hide nothing.
SELF_CONTAINED: Final = ("redirect_dir=off", "metacopy=off", "index=off")


@dataclass(frozen=True, slots=True)
class MountSpec:
    """A mount that somebody else executes, in the words of the runtime-spec."""

    type: str
    source: str
    options: list[str]


class SnapshotStore:
    """Writable layers by container id. Thread-safe for different ids."""

    def __init__(self, layout: Layout, layers: LayerStore) -> None:
        self._layout = layout
        self._layers = layers

    def directory(self, container_id: str) -> str:
        """Return the directory of a container."""
        return self._layout.container(container_id)

    def upper(self, container_id: str) -> str:
        """Return the writable directory of a container."""
        return self._layout.upper(container_id)

    def prepare(self, container_id: str, layers: Sequence[Digest]) -> list[MountSpec]:
        """Make a container's writable layer; on failure nothing is left of it.

        The container's directory itself may be there already: its other files are the engine's.
        """
        return self.prepare_on(container_id, self._lowers(layers))

    def prepare_on(self, container_id: str, lowers: Sequence[str]) -> list[MountSpec]:
        """Make a writable layer on directories, the topmost first, as steps of a build have them.

        On failure nothing is left of it.
        """
        made: list[str] = []
        try:
            with full_disk_named(self.directory(container_id)):
                os.makedirs(self.directory(container_id), 0o710, exist_ok=True)
                for path in (self.upper(container_id), self._layout.work(container_id)):
                    os.mkdir(path, 0o755)
                    made.append(path)
                self._copy_root_attributes(container_id, lowers)
        except BaseException:
            for path in made:
                os.rmdir(path)
            raise
        return self.mounts_on(container_id, lowers)

    def mend(self, container_id: str, layers: Sequence[Digest]) -> None:
        """Make what is missing of a container's writable layer; it was empty, or it would be there.

        A record is on the disk as soon as its container has been made, its directories are within
        some seconds: a power cut can come in between.
        """
        os.makedirs(self.directory(container_id), 0o710, exist_ok=True)
        new = not os.path.isdir(self.upper(container_id))
        for path in (self.upper(container_id), self._layout.work(container_id)):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o755)
        if new:
            self._copy_root_attributes(container_id, self._lowers(layers))

    def _copy_root_attributes(self, container_id: str, lowers: Sequence[str]) -> None:
        """The root directory of an overlay has the attributes of its topmost layer."""
        upper = self.upper(container_id)
        if not lowers:
            os.chmod(upper, 0o755)
            return
        told = os.stat(lowers[0])
        os.chown(upper, told.st_uid, told.st_gid)
        os.chmod(upper, stat.S_IMODE(told.st_mode))

    def _lowers(self, layers: Sequence[Digest]) -> list[str]:
        return [self._layers.path(diff_id) for diff_id in reversed(layers)]

    def mounts(self, container_id: str, layers: Sequence[Digest]) -> list[MountSpec]:
        """Return the mounts that make the root file system; `layers` lowest first."""
        return self.mounts_on(container_id, self._lowers(layers))

    def mounts_on(self, container_id: str, lowers: Sequence[str]) -> list[MountSpec]:
        """Return the mounts that make a root file system of directories, the topmost first."""
        directory = self.directory(container_id)
        options = [
            # overlayfs wants at least one lower directory: an empty one stands for `scratch`.
            f"lowerdir={':'.join(lowers) or self._layout.empty_layer}",
            f"upperdir={directory}/upper",
            f"workdir={directory}/work",
            *SELF_CONTAINED,
        ]
        return [MountSpec("overlay", "overlay", options)]

    def read_file(
        self, layers: Sequence[Digest], path: str, container_id: str | None = None
    ) -> bytes | None:
        """Return a small file of an image, or of a container; None where there is no such file.

        Links are resolved inside the image, and nothing is mounted: /etc/passwd, /etc/group.
        """
        upper = self.upper(container_id) if container_id else None
        return self._layers.view(layers, upper).read(path)

    def view(self, container_id: str, layers: Sequence[Digest]) -> LayerView:
        """Look through a container's file system, with what it has written."""
        return self._layers.view(layers, self.upper(container_id))

    def changes(self, container_id: str, layers: Sequence[Digest]) -> list[Change]:
        """List what a container has changed."""
        return changes(self.upper(container_id), self._layers.view(layers))

    def usage(self, container_id: str) -> int:
        """Return how many bytes a container has written."""
        return size_below(self.upper(container_id))

    def remove(self, container_id: str) -> None:
        """Remove all that a container has on disk; idempotent."""
        trash.remove(self._layout, self.directory(container_id))

    def discard(self, container_id: str) -> str | None:
        """Take all that a container has out of its place; `trash.empty` removes what is returned.

        For who has others waiting: removing thousands of files takes its time.
        """
        return trash.discard(self._layout, self.directory(container_id))

    def remove_orphans(self, known: set[str]) -> None:
        """Remove the directories of containers that no record speaks of."""
        for name in os.listdir(self._layout.containers):
            if name not in known:
                trash.remove(self._layout, self.directory(name))
