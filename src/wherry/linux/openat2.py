"""openat2(2): open beneath a directory that is the root for every link and `..` on the way."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from wherry.linux import libc

RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_NO_SYMLINKS: Final = 0x04
RESOLVE_BENEATH: Final = 0x08
RESOLVE_IN_ROOT: Final = 0x10


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
    """
    at = os.dup(root)
    done = ""
    try:
        for component in filter(None, path.split("/")):
            done = f"{done}/{component}"
            following = _directory(root, done, at, component, mode)
            os.close(at)
            at = following
    except BaseException:
        os.close(at)
        raise
    return at


def _directory(root: int, path: str, parent: int, component: str, mode: int) -> int:
    try:
        return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        if component == "..":
            raise
    try:
        os.mkdir(component, mode, dir_fd=parent)
    except FileExistsError:
        # A link that leads nowhere, or somebody was quicker: what it resolves to decides.
        return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)
    return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)


def make_file(root: int, path: str, mode: int = 0o755) -> int:
    """Open whatever is at `path` in `root`, making an empty file if there is nothing (O_PATH)."""
    folder, _, name = path.strip("/").rpartition("/")
    parent = make_directories(root, folder)
    try:
        try:
            return open_in_root(root, path, os.O_PATH)
        except FileNotFoundError:
            made = os.open(name, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=parent)
            os.close(made)
            return open_in_root(root, path, os.O_PATH)
    finally:
        os.close(parent)
