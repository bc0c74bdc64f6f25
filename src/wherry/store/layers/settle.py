"""Fits an unpacked layer onto the layers below it, once, when an image is put together.

Most archives describe every directory that they touch, and there is nothing to do. Where one does
not, the directory that unpacking made gets owner, mode and attributes of the one below, or, where a
link is there, its content moves to where the link leads; and hard links to files of a lower layer
get a copy to link to. The layer is shared by every image that has it: the first one decides.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat

from wherry.store.errors import CorruptContentError
from wherry.store.layers.unpack import Pending
from wherry.store.layers.view import LayerView


def settle(directory: str, pending: Pending, below: LayerView) -> None:
    """Mend what unpacking `directory` alone could not know."""
    root = os.fsencode(directory)
    for path in sorted(pending.implicit):
        _fit_directory(root, path, below)
    for path, target in pending.links:
        _link(root, path, target, below)


def _fit_directory(root: bytes, path: bytes, below: LayerView) -> None:
    found = below.find(path, follow=False)
    if found is None:
        return
    told = os.lstat(found)
    ours = root + b"/" + path
    if stat.S_ISLNK(told.st_mode):
        _move_to_link_target(root, ours, path, os.readlink(found))
    elif stat.S_ISDIR(told.st_mode) and os.path.isdir(ours) and not os.path.islink(ours):
        _copy_metadata(found, ours, told)


def _move_to_link_target(root: bytes, ours: bytes, path: bytes, target: bytes) -> None:
    base = b"/" if target.startswith(b"/") else b"/" + os.path.dirname(path)
    there = root + os.path.normpath(os.path.join(base, target))
    if not os.path.isdir(ours) or os.path.islink(ours) or there == ours:
        return
    os.makedirs(there, exist_ok=True)
    for name in os.listdir(ours):
        destination = there + b"/" + name
        if not os.path.lexists(destination):
            os.rename(ours + b"/" + name, destination)
    shutil.rmtree(ours)


def _copy_metadata(source: bytes, target: bytes, told: os.stat_result) -> None:
    os.chown(target, told.st_uid, told.st_gid)
    for name in os.listxattr(source):
        if not name.startswith("trusted.overlay."):
            with contextlib.suppress(OSError):
                os.setxattr(target, name, os.getxattr(source, name))
    os.chmod(target, stat.S_IMODE(told.st_mode))
    os.utime(target, ns=(told.st_mtime_ns, told.st_mtime_ns))


def _link(root: bytes, path: bytes, target: bytes, below: LayerView) -> None:
    """Copy the file up, as overlayfs does when a link to a lower file is made, then link to it."""
    copy = root + b"/" + target
    if not os.path.lexists(copy):
        source = below.find(target, follow=False)
        if source is None or not stat.S_ISREG(os.lstat(source).st_mode):
            raise CorruptContentError(
                f"hard link {os.fsdecode(path)!r} leads to {os.fsdecode(target)!r}, which is in"
                " none of the layers"
            )
        _make_parents(root, os.path.dirname(target), below)
        shutil.copyfile(source, copy, follow_symlinks=False)
        _copy_metadata(source, copy, os.lstat(source))
    os.link(copy, root + b"/" + path, follow_symlinks=False)


def _make_parents(root: bytes, path: bytes, below: LayerView) -> None:
    at = root
    for component in filter(None, path.split(b"/")):
        at = at + b"/" + component
        if not os.path.lexists(at):
            os.mkdir(at, 0o755)
            source = below.find(at[len(root) :], follow=False)
            if source is not None:
                _copy_metadata(source, at, os.lstat(source))
