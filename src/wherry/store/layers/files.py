"""Files by descriptor: their bytes, their holes, their extended attributes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

from wherry.store.layers import tar

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
        if name.startswith(b"trusted.overlay."):
            continue  # redirects and the like are overlayfs' own: an archive has no say there
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            if error.errno not in _UNSUPPORTED or name.startswith(b"security.capability"):
                raise


def iterate(path: str) -> Iterator[os.DirEntry[bytes]]:
    """Yield the entries of a directory in the order of their bytes."""
    with os.scandir(os.fsencode(path)) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    yield from entries
