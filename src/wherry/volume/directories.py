"""The directories of volumes: `<root>/<name>/_data`, as Docker lays them out."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Iterable

from wherry.base.errors import ConflictError
from wherry.base.trees import files_below, remove_tree, size_below
from wherry.volume.copy import Tree, copy_attributes, copy_tree

log = logging.getLogger(__name__)

_CONTENT = "_data"
_FILLING = "_filling"
_REMOVED = ".removed-"


class VolumeMountedError(ConflictError):
    """Something is mounted in the volume: to remove it would remove what is mounted there."""


class VolumeDirectories:
    """Makes, fills, measures and removes. Thread-safe for different names."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._filling: dict[str, threading.Lock] = {}
        os.makedirs(root, 0o711, exist_ok=True)

    def path(self, name: str) -> str:
        """Return where a volume's content is, whether or not it is there."""
        return f"{self._root}/{name}/{_CONTENT}"

    def make(self, name: str) -> str:
        """Make an empty volume, or take up one that a crash left; returns its path."""
        os.makedirs(self.path(name), 0o755, exist_ok=True)
        return self.path(name)

    def fill(self, name: str, tree: Tree, path: str) -> bool:
        """Copy what `tree` has at a path into a volume that is empty; returns whether it did.

        Two containers that are made at once may both want to: one does, and the other waits. The
        copy becomes the content when it is whole; what somebody has written meanwhile stays.
        """
        found = tree.find(os.fsencode(path))
        if found is None or not os.path.isdir(found):
            return False
        with self._filling.setdefault(name, threading.Lock()):
            content, aside = self.path(name), f"{self._root}/{name}/{_FILLING}"
            if os.path.lexists(aside):
                remove_tree(aside)  # a crash left it
            if os.listdir(content):
                return False
            os.mkdir(aside, 0o700)
            try:
                copy_tree(tree, os.fsencode(path), os.fsencode(aside))
                for entry in os.listdir(aside):
                    if not os.path.lexists(f"{content}/{entry}"):
                        os.rename(f"{aside}/{entry}", f"{content}/{entry}")
                copy_attributes(os.fsencode(aside), os.fsencode(content))
                # Moving its entries has changed the copy's own times.
                told = os.stat(found)
                os.utime(content, ns=(told.st_atime_ns, told.st_mtime_ns))
            finally:
                remove_tree(aside)
        return True

    def usage(self, name: str) -> int:
        """Return the bytes in the files of a volume, every hard-linked file once."""
        return size_below(self.path(name))

    def remove(self, name: str) -> None:
        """Remove a volume; one that has gone already is no error."""
        if not os.path.lexists(f"{self._root}/{name}"):
            return
        _refuse_mounted(f"{self._root}/{name}")
        # Renamed first: nobody ever sees half of it under its name.
        aside = f"{self._root}/{_REMOVED}{secrets.token_hex(6)}"
        os.rename(f"{self._root}/{name}", aside)
        _remove_if_possible(aside)

    def remove_orphans(self, known: Iterable[str]) -> None:
        """Remove what was being removed, and empty directories that no volume is recorded for.

        A directory with content and without a record is left: it may be all that someone has.
        """
        kept = set(known)
        for name in os.listdir(self._root):
            if name.startswith(_REMOVED) or (
                name not in kept and not any(files_below(self.path(name)))
            ):
                _remove_if_possible(f"{self._root}/{name}")


def _remove_if_possible(path: str) -> None:
    """What is kept by an attribute, or a failing disk, must not keep the engine from starting."""
    try:
        remove_tree(path)
    except OSError as error:
        log.warning("what is left of a volume could not be removed: %s", error)


def _refuse_mounted(directory: str) -> None:
    """Raise if anything is mounted at or below a directory: nothing removes through a mount."""
    real = os.path.realpath(directory)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            point = line.split(" ", 5)[4].encode(errors="surrogateescape")
            target = os.fsdecode(point.decode("unicode_escape").encode("latin-1"))
            if target == real or target.startswith(real + "/"):
                raise VolumeMountedError(f"{target} is mounted: unmount it first")
