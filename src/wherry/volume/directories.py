"""The directories of volumes: `<root>/<name>/_data`, as Docker lays them out.

An empty volume takes over what an image has at its place. It is copied beside the content, into
`_filling`; once the copy is whole and on the disk it is called `_filled`, and its entries are moved
into the content. So whenever the machine dies, a volume is filled or it is empty: what is called
`_filling` is removed and what is called `_filled` is moved, by whoever comes next.

A record's way to the disk does not take the names of files along: what is filled is there after a
power cut, and what is removed is not, because the directory is synced before anybody is told.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Iterable

from wherry.base.atomic import sync_directory
from wherry.base.errors import ConflictError
from wherry.base.trees import files_below, remove_tree, size_below
from wherry.linux.mountinfo import mounts
from wherry.linux.syncfs import sync_file_system
from wherry.volume.copy import Tree, copy_attributes, copy_tree

log = logging.getLogger(__name__)

_CONTENT = "_data"
_FILLING = "_filling"
_FILLED = "_filled"
_REMOVED = ".removed-"


class VolumeMountedError(ConflictError):
    """Something is mounted in the volume: to remove it would remove what is mounted there."""


class VolumeDirectories:
    """Makes, fills, measures and removes. Thread-safe for different names."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._filling: dict[str, threading.Lock] = {}
        # Volumes have programs that run as root for whoever starts them, as layers have.
        os.makedirs(root, 0o700, exist_ok=True)
        os.chmod(root, 0o700)

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
            self._settle(name)
            if os.listdir(self.path(name)):
                return False
            aside = self._beside(name, _FILLING)
            os.mkdir(aside, 0o700)
            try:
                copy_tree(tree, os.fsencode(path), os.fsencode(aside))
                sync_file_system(aside)
            except BaseException:
                remove_tree(aside)
                raise
            os.rename(aside, self._beside(name, _FILLED))
            self._settle(name)
            sync_directory(self.path(name))
        return True

    def _beside(self, name: str, what: str) -> str:
        return f"{self._root}/{name}/{what}"

    def _settle(self, name: str) -> None:
        """Bring a fill to its end, or take it back, whoever began it."""
        filling, filled = self._beside(name, _FILLING), self._beside(name, _FILLED)
        if os.path.lexists(filling):
            remove_tree(filling)
        if not os.path.lexists(filled):
            return
        content = self.path(name)
        told = os.stat(filled)
        for entry in os.listdir(filled):
            if not os.path.lexists(f"{content}/{entry}"):
                os.rename(f"{filled}/{entry}", f"{content}/{entry}")
        copy_attributes(os.fsencode(filled), os.fsencode(content))
        # Moving its entries has changed the copy's own times.
        os.utime(content, ns=(told.st_atime_ns, told.st_mtime_ns))
        remove_tree(filled)

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
        sync_directory(self._root)
        _remove_if_possible(aside)

    def recover(self, known: Iterable[str]) -> None:
        """Settle what a crash has left: `known` are the volumes that are recorded.

        Recorded ones have a directory again. What was being removed goes, and empty directories
        that no volume is recorded for. A directory with content and without a record is left: it
        may be all that someone has.
        """
        kept = set(known)
        for name in kept:
            self.make(name)
        for name in os.listdir(self._root):
            if name in kept:
                try:
                    self._settle(name)
                except OSError as error:
                    log.warning("volume %s could not be filled to the end: %s", name, error)
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
    for mount in mounts():
        if mount.is_at_or_below(real):
            raise VolumeMountedError(f"{mount.target} is mounted: unmount it first")
