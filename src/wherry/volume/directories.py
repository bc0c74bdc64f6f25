"""The directories of volumes: `<root>/<name>/_data`, as Docker lays them out."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterable

from wherry.base.errors import ConflictError
from wherry.volume.copy import Tree, copy_tree

_CONTENT = "_data"
_REMOVED = ".removed-"


class VolumeMountedError(ConflictError):
    """Something is mounted in the volume: to remove it would remove what is mounted there."""


class VolumeDirectories:
    """Makes, fills, measures and removes. Thread-safe for different names."""

    def __init__(self, root: str) -> None:
        self._root = root
        os.makedirs(root, 0o711, exist_ok=True)

    def path(self, name: str) -> str:
        """Return where a volume's content is, whether or not it is there."""
        return f"{self._root}/{name}/{_CONTENT}"

    def make(self, name: str) -> str:
        """Make an empty volume, or take up one that a crash left; returns its path."""
        os.makedirs(self.path(name), 0o755, exist_ok=True)
        return self.path(name)

    def fill(self, name: str, tree: Tree, path: str) -> bool:
        """Copy what `tree` has at a path into a volume that is empty; returns whether it did."""
        content = self.path(name)
        found = tree.find(os.fsencode(path))
        if found is None or not os.path.isdir(found) or os.listdir(content):
            return False
        try:
            copy_tree(tree, os.fsencode(path), os.fsencode(content))
        except BaseException:
            for entry in os.listdir(content):
                _remove_tree(f"{content}/{entry}")
            raise
        return True

    def usage(self, name: str) -> int:
        """Return the bytes in the files of a volume."""
        total = 0
        for top, _, names in os.walk(self.path(name)):
            for each in names:
                try:
                    total += os.lstat(f"{top}/{each}").st_size
                except FileNotFoundError:
                    continue  # a container removes files while they are counted
        return total

    def remove(self, name: str) -> None:
        """Remove a volume; one that has gone already is no error."""
        if not os.path.lexists(f"{self._root}/{name}"):
            return
        _refuse_mounted(f"{self._root}/{name}")
        # Renamed first: nobody ever sees half of it under its name.
        aside = f"{self._root}/{_REMOVED}{secrets.token_hex(6)}"
        os.rename(f"{self._root}/{name}", aside)
        shutil.rmtree(aside, ignore_errors=True)

    def remove_orphans(self, known: Iterable[str]) -> None:
        """Remove what was being removed, and empty directories that no volume is recorded for.

        A directory with content and without a record is left: it may be all that someone has.
        """
        kept = set(known)
        for name in os.listdir(self._root):
            if name.startswith(_REMOVED) or (
                name not in kept and not any(names for _, _, names in os.walk(self.path(name)))
            ):
                shutil.rmtree(f"{self._root}/{name}", ignore_errors=True)


def _remove_tree(path: str) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _refuse_mounted(directory: str) -> None:
    """Raise if anything is mounted at or below a directory: nothing removes through a mount."""
    real = os.path.realpath(directory)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            point = line.split(" ", 5)[4].encode(errors="surrogateescape")
            target = os.fsdecode(point.decode("unicode_escape").encode("latin-1"))
            if target == real or target.startswith(real + "/"):
                raise VolumeMountedError(f"{target} is mounted: unmount it first")
