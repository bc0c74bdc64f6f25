"""openat2(2): open beneath a directory that is the root for every link and `..` on the way."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from typing import Final

from wherry.linux import libc

RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_NO_SYMLINKS: Final = 0x04
RESOLVE_BENEATH: Final = 0x08
RESOLVE_IN_ROOT: Final = 0x10

_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY
_NEW_FILE: Final = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# As many links as the kernel follows in one path.
_MOST_LINKS: Final = 40


def open_in_root(root: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """Open `path` as if the directory `root` were `/`; the descriptor is closed on exec."""
    return open_how(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)


def open_how(root: int, path: str | bytes, flags: int, mode: int, resolve: int) -> int:
    """openat2(2) with these RESOLVE flags."""
    how = ctypes.create_string_buffer(struct.pack("QQQ", flags | os.O_CLOEXEC, mode, resolve), 24)
    return libc.syscall("openat2", libc.OPENAT2, root, os.fsencode(path), how, 24)


def make_directories(root: int, path: str, mode: int = 0o755) -> int:
    """Open the directory `path` in `root`, making what is missing; returns an O_PATH descriptor.

    Every component is resolved in the root, so that a link in a hostile tree leads nowhere else.
    Where a link leads to nothing, the directory is made where it points, in the root.
    """
    path = f"/{path.strip('/')}"
    parent, _, component = path.rpartition("/")
    # Nearly always it is there, or only the last part of it is missing.
    with contextlib.suppress(FileNotFoundError):
        return open_in_root(root, path, _DIRECTORY)
    with contextlib.suppress(FileNotFoundError):
        opened = open_in_root(root, parent or "/", _DIRECTORY)
        try:
            return _make_directory(root, parent, opened, component, mode, _MOST_LINKS)
        finally:
            os.close(opened)
    return _make_directories(root, path, mode, _MOST_LINKS)


def _make_directories(root: int, path: str, mode: int, links: int) -> int:
    at = os.dup(root)
    done = ""
    try:
        for component in filter(None, path.split("/")):
            parent, done = done, f"{done}/{component}"
            following = _directory(root, parent, at, component, mode, links)
            os.close(at)
            at = following
    except BaseException:
        os.close(at)
        raise
    return at


def _directory(root: int, parent: str, opened: int, component: str, mode: int, links: int) -> int:
    try:
        return open_in_root(root, f"{parent}/{component}", _DIRECTORY)
    except FileNotFoundError:
        return _make_directory(root, parent, opened, component, mode, links)


def _make_directory(
    root: int, parent: str, opened: int, component: str, mode: int, links: int
) -> int:
    if component == "..":
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{parent}/..")
    try:
        os.mkdir(component, mode, dir_fd=opened)
    except FileExistsError:
        target = _dangling(parent, opened, component, links)
        if target is not None:
            return _make_directories(root, target, mode, links - 1)
    return open_in_root(root, f"{parent}/{component}", _DIRECTORY)


def _dangling(parent: str, opened: int, name: str, links: int) -> str | None:
    """Return where a link that leads to nothing points, from the root; None if it is no link."""
    try:
        target = os.readlink(name, dir_fd=opened)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None  # not a link: somebody else has made it in the meantime
        raise
    if links == 0:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    return target if target.startswith("/") else f"{parent}/{target}"


def make_file(root: int, path: str, mode: int = 0o755) -> int:
    """Open whatever is at `path` in `root`, making an empty file if there is nothing (O_PATH).

    Links are followed as in `make_directories`: an image's /etc/resolv.conf is often one to a
    file that exists only on a running system.
    """
    return _make_file(root, path, mode, _MOST_LINKS)


def _make_file(root: int, path: str, mode: int, links: int) -> int:
    with contextlib.suppress(FileNotFoundError):
        return open_in_root(root, path, os.O_PATH)
    folder, _, name = path.strip("/").rpartition("/")
    parent = _make_directories(root, folder, 0o755, links)
    try:
        made = os.open(name, _NEW_FILE, mode, dir_fd=parent)
    except FileExistsError:
        target = _dangling(folder, parent, name, links)
        if target is not None:
            return _make_file(root, target, mode, links - 1)
        return open_in_root(root, path, os.O_PATH)
    finally:
        os.close(parent)
    os.close(made)
    return open_in_root(root, path, os.O_PATH)
