"""Copies a directory into another, by descriptors: no link of a hostile tree is followed."""

from __future__ import annotations

import os
import stat

_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


def copy_tree(source: int, target: int) -> None:
    """Copy all that is in `source` to `target`, with the owner and mode of both directories.

    Both are descriptors of directories, O_PATH or not. Directories, files and links are copied,
    with their owners, modes and times; devices, pipes and sockets are left out.
    """
    for name in sorted(os.listdir(f"/proc/self/fd/{source}")):
        told = os.stat(name, dir_fd=source, follow_symlinks=False)
        kind = stat.S_IFMT(told.st_mode)
        if kind == stat.S_IFDIR:
            _copy_directory(source, target, name)
        elif kind == stat.S_IFREG:
            _copy_file(source, target, name, told)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            os.chown(name, told.st_uid, told.st_gid, dir_fd=target, follow_symlinks=False)
    _copy_attributes(f"/proc/self/fd/{target}", os.fstat(source))


def _copy_directory(source: int, target: int, name: str) -> None:
    os.mkdir(name, 0o700, dir_fd=target)
    below = os.open(name, os.O_PATH | os.O_DIRECTORY | _NO_LINK, dir_fd=source)
    try:
        made = os.open(name, os.O_PATH | os.O_DIRECTORY | _NO_LINK, dir_fd=target)
        try:
            copy_tree(below, made)
        finally:
            os.close(made)
    finally:
        os.close(below)


def _copy_file(source: int, target: int, name: str, told: os.stat_result) -> None:
    read = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=source)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
        write = os.open(name, flags, 0o600, dir_fd=target)
        try:
            while os.sendfile(write, read, None, 1 << 30):
                pass
            _copy_attributes(f"/proc/self/fd/{write}", told)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _copy_attributes(path: str, told: os.stat_result) -> None:
    os.chown(path, told.st_uid, told.st_gid)
    os.chmod(path, stat.S_IMODE(told.st_mode))
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
