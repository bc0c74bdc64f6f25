"""Makes a layer's archive of a writable directory, and lists what changed in it.

The same directory gives the same bytes: entries in the order of their names, numbers for owners,
PAX for what ustar cannot say. Sockets are left out, as everywhere.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO, Final, cast

from wherry.store.layers.compression import Writable
from wherry.store.layers.files import iterate
from wherry.store.layers.unpack import OPAQUE_MARKER, WHITEOUT_PREFIX
from wherry.store.layers.view import LayerView, is_opaque, is_whiteout

_PRIVATE_XATTRS: Final = "trusted.overlay."


class ChangeKind(IntEnum):
    """Docker's numbers for what happened to a path."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One path of a container that is not as in its image."""

    kind: ChangeKind
    path: str


def write_archive(directory: str, sink: Writable) -> None:
    """Write the archive of everything below `directory`, with whiteouts."""
    with tarfile.open(
        fileobj=cast(BinaryIO, sink), mode="w|", format=tarfile.PAX_FORMAT,
        encoding="utf-8", errors="surrogateescape",
    ) as archive:  # fmt: skip
        writer = _Writer(archive)
        for path, relative in _walk(directory):
            writer.add(path, relative)


def _walk(directory: str) -> Iterator[tuple[str, str]]:
    """Yield paths and what they are below `directory`; not by recursion, for trees can be deep."""
    pending = [(directory, "", iterate(directory))]
    while pending:
        folder, relative, entries = pending[-1]
        entry = next(entries, None)
        if entry is None:
            pending.pop()
            continue
        name = os.fsdecode(entry.name)
        path, below = f"{folder}/{name}", f"{relative}{name}"
        yield path, below
        if entry.is_dir(follow_symlinks=False):
            pending.append((path, f"{below}/", iterate(path)))


class _Writer:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._inodes: dict[tuple[int, int], str] = {}

    def add(self, path: str, relative: str) -> None:
        told = os.lstat(path)
        folder, slash, name = relative.rpartition("/")
        if is_whiteout(told):
            hidden = tarfile.TarInfo(folder + slash + os.fsdecode(WHITEOUT_PREFIX) + name)
            hidden.mtime = int(told.st_mtime)
            self._archive.addfile(hidden)
            return
        if stat.S_ISSOCK(told.st_mode):
            return
        entry = self._entry(path, relative, told)
        if entry.isreg():
            with open(path, "rb") as file:
                self._archive.addfile(entry, file)
            return
        self._archive.addfile(entry)
        if entry.isdir() and is_opaque(path):
            marker = tarfile.TarInfo(f"{relative}/{os.fsdecode(OPAQUE_MARKER)}")
            self._archive.addfile(marker)

    def _entry(self, path: str, relative: str, told: os.stat_result) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(relative)
        entry.pax_headers = pax = dict[str, str]()
        entry.mode, entry.uid, entry.gid = stat.S_IMODE(told.st_mode), told.st_uid, told.st_gid
        entry.mtime = told.st_mtime_ns // 1_000_000_000
        if told.st_mtime_ns % 1_000_000_000:
            seconds, rest = divmod(told.st_mtime_ns, 1_000_000_000)
            pax["mtime"] = f"{seconds}.{rest:09d}".rstrip("0")
        self._set_kind(entry, path, told)
        for name in _xattrs(path):
            value = os.getxattr(path, name, follow_symlinks=False)
            # tarfile writes headers as text: bytes that are not text travel as surrogates.
            pax[f"SCHILY.xattr.{name}"] = value.decode("utf-8", "surrogateescape")
        return entry

    def _set_kind(self, entry: tarfile.TarInfo, path: str, told: os.stat_result) -> None:
        mode = told.st_mode
        if stat.S_ISDIR(mode):
            entry.type = tarfile.DIRTYPE
        elif stat.S_ISLNK(mode):
            entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
        elif stat.S_ISFIFO(mode):
            entry.type = tarfile.FIFOTYPE
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            entry.type = tarfile.CHRTYPE if stat.S_ISCHR(mode) else tarfile.BLKTYPE
            entry.devmajor, entry.devminor = os.major(told.st_rdev), os.minor(told.st_rdev)
        else:
            self._set_file(entry, told)

    def _set_file(self, entry: tarfile.TarInfo, told: os.stat_result) -> None:
        inode = (told.st_dev, told.st_ino)
        if told.st_nlink > 1 and inode in self._inodes:
            entry.type, entry.linkname = tarfile.LNKTYPE, self._inodes[inode]
            return
        self._inodes[inode] = entry.name
        entry.type, entry.size = tarfile.REGTYPE, told.st_size


def _xattrs(path: str) -> list[str]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return []  # the file system has none
    return sorted(name for name in names if not name.startswith(_PRIVATE_XATTRS))


def changes(directory: str, below: LayerView) -> list[Change]:
    """List what a writable directory adds to, changes in and removes from the layers below."""
    found = []
    for path, relative in _walk(directory):
        lower = below.find(os.fsencode(relative), follow=False)
        if is_whiteout(os.lstat(path)):
            if lower is not None:
                found.append(Change(ChangeKind.DELETED, f"/{relative}"))
            continue
        kind = ChangeKind.ADDED if lower is None else ChangeKind.MODIFIED
        found.append(Change(kind, f"/{relative}"))
    return found
