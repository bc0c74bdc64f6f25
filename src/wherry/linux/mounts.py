"""Mounts by descriptor (Linux 5.2 and later), and the few old calls that are still needed."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from wherry.linux import libc

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_UNBINDABLE: Final = 1 << 17
MS_PRIVATE: Final = 1 << 18
MS_SLAVE: Final = 1 << 19
MS_SHARED: Final = 1 << 20
MNT_DETACH: Final = 2

MOUNT_ATTR_RDONLY: Final = 0x1
MOUNT_ATTR_NOSUID: Final = 0x2
MOUNT_ATTR_NODEV: Final = 0x4
MOUNT_ATTR_NOEXEC: Final = 0x8
MOUNT_ATTR_ATIME: Final = 0x70
MOUNT_ATTR_NOATIME: Final = 0x10
MOUNT_ATTR_STRICTATIME: Final = 0x20
MOUNT_ATTR_NODIRATIME: Final = 0x80
MOUNT_ATTR_NOSYMFOLLOW: Final = 0x200000

_FSOPEN_CLOEXEC: Final = 1
_FSMOUNT_CLOEXEC: Final = 1
_FSCONFIG_SET_FLAG: Final = 0
_FSCONFIG_SET_STRING: Final = 1
_FSCONFIG_CMD_CREATE: Final = 6
_OPEN_TREE_CLONE: Final = 1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 0x4
_MOVE_MOUNT_T_EMPTY_PATH: Final = 0x40

PROC_MAGIC: Final = 0x9FA0

_fstatfs = libc.function("fstatfs", ctypes.c_int, ctypes.c_void_p)
_STATFS_BYTES: Final = 256  # more than the structure of any architecture

_mount = libc.function(
    "mount", ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p
)
_umount2 = libc.function("umount2", ctypes.c_char_p, ctypes.c_int)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2)."""
    words = (os.fsencode(source), os.fsencode(target), kind.encode())
    libc.checked("mount", _mount(*words, flags, os.fsencode(data) or None))


def unmount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    libc.checked("umount2", _umount2(os.fsencode(target), flags))


def set_propagation(target: str, flags: int) -> None:
    """Change how mounts at `target` propagate (MS_PRIVATE and so on, with MS_REC for all below)."""
    libc.checked("mount", _mount(None, os.fsencode(target), None, flags, None))


def pivot_root_here() -> None:
    """Make the working directory the root, and detach the old root that then lies over it."""
    libc.syscall("pivot_root", libc.PIVOT_ROOT, b".", b".")
    unmount(".", MNT_DETACH)
    os.chdir("/")


def filesystem_magic(descriptor: int) -> int:
    """fstatfs(2): return the number of the kind of file system that a descriptor is on."""
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    libc.checked("fstatfs", _fstatfs(descriptor, buffer))
    return ctypes.c_long.from_buffer(buffer).value


def open_filesystem(kind: str) -> int:
    """fsopen(2): begin to configure a new file system."""
    return libc.syscall("fsopen", libc.FSOPEN, kind.encode(), _FSOPEN_CLOEXEC)


def configure(context: int, key: str, value: str | None = None) -> None:
    """fsconfig(2): set one option, a flag when there is no value (at most 255 bytes)."""
    command = _FSCONFIG_SET_FLAG if value is None else _FSCONFIG_SET_STRING
    data = ctypes.c_void_p(None) if value is None else os.fsencode(value)
    libc.syscall("fsconfig", libc.FSCONFIG, context, command, key.encode(), data, 0)


def create_filesystem(context: int, attributes: int = 0) -> int:
    """Create what was configured and return it as a detached mount; closes the context."""
    none = ctypes.c_void_p(None)
    try:
        libc.syscall("fsconfig", libc.FSCONFIG, context, _FSCONFIG_CMD_CREATE, none, none, 0)
        return libc.syscall("fsmount", libc.FSMOUNT, context, _FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def clone_tree(path: str, *, recursive: bool, directory: int = libc.AT_FDCWD) -> int:
    """open_tree(2): return a detached copy of the mount at `path`, or of `directory` itself."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    flags |= libc.AT_RECURSIVE if recursive else 0
    flags |= 0 if path else libc.AT_EMPTY_PATH
    return libc.syscall("open_tree", libc.OPEN_TREE, directory, os.fsencode(path), flags)


def attach(tree: int, target: int) -> None:
    """move_mount(2): attach a detached mount at the place that a descriptor is of."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    libc.syscall("move_mount", libc.MOVE_MOUNT, tree, b"", target, b"", flags)


def set_attributes(
    tree: int, *, add: int = 0, clear: int = 0, propagation: int = 0, recursive: bool = False
) -> None:
    """mount_setattr(2) on a mount that a descriptor is of (Linux 5.12)."""
    attributes = struct.pack("QQQQ", add, clear, propagation, 0)
    flags = libc.AT_EMPTY_PATH | (libc.AT_RECURSIVE if recursive else 0)
    libc.syscall("mount_setattr", libc.MOUNT_SETATTR, tree, b"", flags, attributes, len(attributes))
