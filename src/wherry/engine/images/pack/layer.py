"""Writes what was collected as a tar: the same bytes for the same files, whenever and wherever."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from typing import BinaryIO, Final

from wherry.base.errors import ConflictError
from wherry.engine.images.pack.collect import Packed
from wherry.engine.images.pack.errors import named
from wherry.engine.images.pack.tree import Entry
from wherry.oci.digest import Digest

_CAPABILITY: Final = "security.capability"
_TYPES: Final = {
    "directory": tarfile.DIRTYPE,
    "file": tarfile.REGTYPE,
    "symlink": tarfile.SYMTYPE,
}


class ChangedFileError(ConflictError):
    """A file became shorter while it was read."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was packed; try again")


def write_layer(
    packed: Packed, file: BinaryIO, environment: Mapping[str, str] = os.environ
) -> tuple[Digest, int]:
    """Write the layer uncompressed; return its diff ID and its size in bytes.

    Everything is root's and of the time SOURCE_DATE_EPOCH of `environment`, else 0. Raises what
    opening a file raises as NotPackableError, and ChangedFileError.
    """
    told = environment.get("SOURCE_DATE_EPOCH", "")
    time = int(told) if told.isdigit() else 0
    sink = _Hashing(file)
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for entry in packed.entries:
            _add(archive, entry, time)
    return Digest(f"sha256:{sink.hash.hexdigest()}"), sink.size


def _add(archive: tarfile.TarFile, entry: Entry, time: int) -> None:
    header = tarfile.TarInfo(entry.destination.lstrip("/"))
    header.type, header.mode, header.mtime = _TYPES[entry.kind], entry.mode, time
    header.linkname = entry.target
    if entry.kind != "file":
        archive.addfile(header)
    elif not entry.source:
        header.size = len(entry.content)
        archive.addfile(header, io.BytesIO(entry.content))
    else:
        with named(entry.source):
            source = open(entry.source, "rb")  # noqa: SIM115 - closed below
        with source:
            header.size = os.fstat(source.fileno()).st_size
            header.pax_headers = _capabilities(source.fileno())
            archive.addfile(header, _Exactly(source, entry.source))


def _capabilities(descriptor: int) -> dict[str, str]:
    """Return the header for a file's capabilities, with which `ping` does without setuid."""
    try:
        value = os.getxattr(descriptor, _CAPABILITY)
    except OSError:
        return {}  # it has none, or its file system knows of none
    return {f"SCHILY.xattr.{_CAPABILITY}": value.decode(errors="surrogateescape")}


class _Exactly(io.RawIOBase):
    """A file that must not end before `tarfile` has all that it was promised."""

    def __init__(self, source: BinaryIO, path: str) -> None:
        super().__init__()
        self._source = source
        self._path = path

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise ChangedFileError(self._path)
        return data


class _Hashing(io.RawIOBase):
    """Passes what is written on, and keeps its digest and size."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self.hash = hashlib.sha256()
        self.size = 0
        self._sink = sink

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile writes bytes
        self.hash.update(data)
        self.size += len(data)
        self._sink.write(data)
        return len(data)
