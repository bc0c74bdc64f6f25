"""Files by descriptor: their bytes, their holes, their extended attributes."""

from __future__ import annotations

import errno
import os
from typing import Final

from wherry.store.layers import tar
from wherry.store.layers.walk import Found

OVERLAY_XATTRS: Final = "trusted.overlay."
# Labels and measurements by the policies of one machine.
_OF_THIS_MACHINE: Final = frozenset({"security.selinux", "security.ima", "security.evm"})
# It has gone meanwhile; or it is a capability that the kernel took and does not understand.
_UNREADABLE: Final = (errno.ENODATA, errno.EINVAL)
_UNSUPPORTED: Final = (errno.ENOTSUP, errno.EPERM, errno.EINVAL)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, however little one write takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_sparse(descriptor: int, entry: tar.Entry, reader: tar.TarReader) -> None:
    """Write the data of a sparse file where it belongs, and leave the holes."""
    os.ftruncate(descriptor, entry.real_size)
    holes = iter(entry.holes or ())
    offset = length = 0
    for chunk in reader.data():
        view = memoryview(chunk)
        while view:
            if length == 0:
                offset, length = next(holes, (entry.real_size, 0))
                if offset + length > entry.real_size or length <= 0:
                    return
            written = os.pwrite(descriptor, view[:length], offset)
            view, offset, length = view[written:], offset + written, length - written


def set_xattrs(descriptor: int, entry: tar.Entry) -> None:
    """Set what the archive says; what the file system does not have is left out."""
    for name, value in entry.xattrs.items():
        if name.startswith(OVERLAY_XATTRS.encode()):
            continue  # redirects and the like are overlayfs' own: an archive has no say there
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            if error.errno not in _UNSUPPORTED or name.startswith(b"security.capability"):
                raise


def place_of(found: Found) -> bytes:
    """Return a path, good while the descriptor is open, for calls that take no name beside one."""
    return b"/proc/self/fd/%d/%s" % (found.folder, found.name)


def xattr_names(place: int | bytes) -> list[str]:
    """Return the names of what an open file, or whatever is at a path, has.

    Links are not followed. Nothing where the file system has no extended attributes.
    """
    try:
        return os.listxattr(place) if isinstance(place, int) else _names_at(place)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise


def _names_at(place: bytes) -> list[str]:
    return os.listxattr(place, follow_symlinks=False)


def portable_xattrs(place: int | bytes) -> dict[bytes, bytes]:
    """Return the extended attributes that belong to a file wherever it is."""
    found = {}
    follow = isinstance(place, int)  # or descriptors are refused
    for name in xattr_names(place):
        if name.startswith(OVERLAY_XATTRS) or name in _OF_THIS_MACHINE:
            continue
        try:
            found[os.fsencode(name)] = os.getxattr(place, name, follow_symlinks=follow)
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
    return found
