"""Makes a layer of a writable directory where it lies: what overlayfs has left in it goes.

Afterwards the directory is what unpacking its archive would give, so the archive need not be kept:
it is hashed here, and made again when somebody wants it. Sealing may be interrupted at any point
and done again. Nobody may write to the directory any more; it may be a lower one of a mount.
"""

from __future__ import annotations

import hashlib
import os
import stat

from wherry.base.values import dataclass, field
from wherry.oci.digest import Digest
from wherry.store.errors import CorruptContentError
from wherry.store.layers.diff import write_archive
from wherry.store.layers.files import OVERLAY_XATTRS, place_of, xattr_names
from wherry.store.layers.unpack import OPAQUE_XATTR
from wherry.store.layers.view import is_opaque
from wherry.store.layers.walk import Found, walk

# With these the content of a file or directory is not where its name is.
_LEADING_AWAY = (f"{OVERLAY_XATTRS}redirect", f"{OVERLAY_XATTRS}metacopy")


@dataclass(frozen=True, slots=True)
class SealedLayer:
    """What a directory is as a layer: sizes of its plain archive and of its files, in bytes."""

    diff_id: Digest
    tar_size: int
    size: int
    empty: bool


def seal(directory: str, clamp_ns: int | None = None) -> SealedLayer:
    """Clean a directory and compute its digest; times later than `clamp_ns` become that.

    Raises CorruptContentError where overlayfs has left only a hint at a file's content.
    """
    cleaner = _Cleaner(clamp_ns)
    _strip(os.fsencode(directory), b"/")
    for found in walk(directory):
        cleaner.visit(found)
    sink = _Hash()
    write_archive(directory, sink)
    return SealedLayer(sink.digest(), sink.count, cleaner.size, cleaner.empty)


def is_empty(directory: str) -> bool:
    """Tell whether a layer of this directory would have nothing in it, as sockets are left out."""
    with os.scandir(directory) as entries:
        return all(stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode) for entry in entries)


class _Hash:
    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def write(self, data: bytes, /) -> None:
        self._hash.update(data)
        self.count += len(data)

    def digest(self) -> Digest:
        return Digest(f"sha256:{self._hash.hexdigest()}")


@dataclass(slots=True)
class _Cleaner:
    clamp_ns: int | None
    size: int = 0
    empty: bool = True
    _inodes: set[tuple[int, int]] = field(default_factory=set)
    # Directories whose own time has changed with a socket that went.
    _touched: set[bytes] = field(default_factory=set)

    def visit(self, found: Found) -> None:
        mode = found.told.st_mode
        if found.leaving:
            if found.path in self._touched or self._late(found):
                self._set_time(found)
            return
        if stat.S_ISSOCK(mode):
            os.unlink(found.name, dir_fd=found.folder)
            self._touched.add(found.path.rpartition(b"/")[0])
            return
        self.empty = False
        _strip(place_of(found), found.path)
        if stat.S_ISDIR(mode):
            return  # its time is set when nothing in it changes any more
        if self._late(found):
            self._set_time(found)
        if stat.S_ISREG(mode):
            self._count(found.told)

    def _count(self, told: os.stat_result) -> None:
        inode = (told.st_dev, told.st_ino)
        if told.st_nlink > 1:
            if inode in self._inodes:
                return
            self._inodes.add(inode)
        self.size += told.st_size

    def _late(self, found: Found) -> bool:
        return self.clamp_ns is not None and found.told.st_mtime_ns > self.clamp_ns

    def _set_time(self, found: Found) -> None:
        before = found.told.st_mtime_ns
        time_ns = before if self.clamp_ns is None else min(before, self.clamp_ns)
        os.utime(found.name, ns=(time_ns, time_ns), dir_fd=found.folder, follow_symlinks=False)


def _strip(place: bytes, path: bytes) -> None:
    """Remove overlayfs's own attributes but the one that hides what is below a directory."""
    for name in xattr_names(place):
        if not name.startswith(OVERLAY_XATTRS):
            continue
        if name in _LEADING_AWAY:
            raise CorruptContentError(
                f"{os.fsdecode(path)} has {name}: its content is in another layer; mount overlays"
                " with redirect_dir=off and metacopy=off"
            )
        if name != OPAQUE_XATTR or not is_opaque(place):
            os.removexattr(place, name, follow_symlinks=False)
