"""Fits an unpacked layer onto the layers below it, once, when an image is put together.

Most archives describe every directory that they touch, and there is nothing to do. Where one does
not, the directory that unpacking made gets owner, mode and attributes of the one below; and a hard
link to a file of a lower layer gets a copy to link to, as overlayfs itself would make it. The layer
is shared by every image that has it: the first one decides.

The layer is as hostile here as while it was unpacked: a link in it may stand where a directory was
expected, so everything is opened beneath the layer's root and changed by descriptor.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator

from wherry.linux import openat2
from wherry.store.errors import CorruptContentError
from wherry.store.layers.unpack import NO_DIRECTORY, Pending
from wherry.store.layers.view import LayerView

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_NO_LINKS = openat2.RESOLVE_BENEATH | openat2.RESOLVE_NO_SYMLINKS


def settle(directory: str, pending: Pending, below: LayerView) -> None:
    """Mend what unpacking `directory` alone could not know."""
    root = os.open(directory, _DIRECTORY | os.O_CLOEXEC)
    try:
        for path, target in pending.links:
            with _misleading_links_named(path):
                _link(root, path, target, below)
        for path in sorted(pending.implicit, reverse=True):
            _fit_directory(root, path, below)
    finally:
        os.close(root)


@contextlib.contextmanager
def _misleading_links_named(path: bytes) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in NO_DIRECTORY:
            raise
        raise CorruptContentError(
            f"hard link {os.fsdecode(path)!r} leads to what is in none of the layers"
        ) from error


def _fit_directory(root: int, path: bytes, below: LayerView) -> None:
    source = below.find(path, follow=False)
    if source is None or not stat.S_ISDIR(os.lstat(source).st_mode):
        return
    try:
        opened = openat2.open_how(root, path, _DIRECTORY, 0, _NO_LINKS)
    except OSError:
        return  # a later entry of the archive has put something else there
    try:
        _copy_metadata(source, opened)
    finally:
        os.close(opened)


def _link(root: int, path: bytes, target: bytes, below: LayerView) -> None:
    with contextlib.ExitStack() as stack:
        source_folder, source_name = _place(root, target, below, stack)
        folder, name = _place(root, path, below, stack)
        if not _exists(source_folder, source_name):
            _copy_up(source_folder, source_name, path, target, below)
        with contextlib.suppress(FileExistsError):  # a later entry has taken the name
            os.link(
                source_name, name, src_dir_fd=source_folder, dst_dir_fd=folder,
                follow_symlinks=False,
            )  # fmt: skip


def _place(
    root: int, path: bytes, below: LayerView, stack: contextlib.ExitStack
) -> tuple[int, bytes]:
    """Return a descriptor of the directory of a path, made like the ones below, and the name."""
    folder, _, name = path.rpartition(b"/")
    done = b""
    for component in filter(None, folder.split(b"/")):
        done = done + b"/" + component if done else component
        try:
            os.close(openat2.open_in_root(root, done, _DIRECTORY))
        except FileNotFoundError:
            os.close(openat2.make_directories(root, os.fsdecode(done)))
            _fit_directory(root, done, below)
    opened = openat2.open_in_root(root, folder or b".", _DIRECTORY)
    stack.callback(os.close, opened)
    return opened, name


def _exists(folder: int, name: bytes) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _copy_up(folder: int, name: bytes, path: bytes, target: bytes, below: LayerView) -> None:
    source = below.find(target, follow=False)
    if source is None or not stat.S_ISREG(os.lstat(source).st_mode):
        raise CorruptContentError(
            f"hard link {os.fsdecode(path)!r} leads to {os.fsdecode(target)!r}, which is in"
            " none of the layers"
        )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with (
        open(source, "rb") as reader,
        open(os.open(name, flags, 0o600, dir_fd=folder), "wb") as writer,
    ):
        shutil.copyfileobj(reader, writer)
        writer.flush()
        _copy_metadata(source, writer.fileno())


def _copy_metadata(source: bytes, target: int) -> None:
    told = os.lstat(source)
    os.fchown(target, told.st_uid, told.st_gid)
    for name in os.listxattr(source, follow_symlinks=False):
        if not name.startswith("trusted.overlay."):
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False))
    os.fchmod(target, stat.S_IMODE(told.st_mode))
    os.utime(target, ns=(told.st_mtime_ns, told.st_mtime_ns))
