"""Flags of inodes (ioctl_iflags(2)), as far as they are used here."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from typing import Final

# FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of 64-bit kernels; the value is an int all the same.
_GET: Final = 0x80086601
_SET: Final = 0x40086602
_TOPDIR: Final = 0x00020000


def spread_children(directory: str) -> None:
    """Ask the file system to put each directory made in this one somewhere else.

    ext4 otherwise keeps neighbours together, and looks for a free inode among those that were
    removed there in the last minutes, one by one: making 2,000 files takes 1.5 s after removing as
    many, and 0.1 s with this. File systems that have no such flag are left as they are.
    """
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            flags = struct.unpack("i", fcntl.ioctl(opened, _GET, struct.pack("i", 0)))[0]
            fcntl.ioctl(opened, _SET, struct.pack("i", flags | _TOPDIR))
    finally:
        os.close(opened)
