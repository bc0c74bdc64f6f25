"""A context as one file, in docker's form: a tar (or, to read, a zip) of metadata and TLS files.

    meta.json
    tls/<endpoint>/{ca,cert,key}.pem

Nothing of an archive is unpacked: its files are read into memory, bounded, and only names of these
two shapes are taken. All of it is looked at before any of it is stored.
"""

from __future__ import annotations

import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from wherry.cli.contexts import store
from wherry.cli.contexts.store import BadContextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 10 << 20
# Anybody may have made it, and what reads it lets errors of what it is built on through.
_NO_ARCHIVE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError,
    ValueError, EOFError, RuntimeError, OverflowError,
)  # fmt: skip
_META = "meta.json"


def pack(content: dict[str, Any], files: store.Material) -> bytes:
    """Return a context as a tar."""
    made = io.BytesIO()
    # tarfile's own default would add headers that name the machine's user.
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        _add(tar, _META, json.dumps(content, separators=(",", ":")).encode(), 0o644)
        _add(tar, "tls", None, 0o700)
        for endpoint, contents in files.items():
            _add(tar, f"tls/{endpoint}", None, 0o700)
            for name, data in contents.items():
                _add(tar, f"tls/{endpoint}/{name}", data, 0o600)
    return made.getvalue()


def unpack(data: bytes, name: str) -> tuple[dict[str, Any], dict[str, dict[str, bytes]]]:
    """Return what an archive has, for a context of that name; raises BadContextError."""
    content: dict[str, Any] | None = None
    files: dict[str, dict[str, bytes]] = {}
    for path, inside in _files(data):
        parts = _checked(path)
        if parts is None:
            content = store.decode(inside, path)
        else:
            files.setdefault(parts[0], {})[parts[1]] = inside
    if content is None:
        raise BadContextError("invalid context: no metadata found")
    content["Name"] = name
    return content, files


def _checked(path: str) -> tuple[str, str] | None:
    """Return the endpoint and the name of a TLS file, None for the metadata."""
    if path == _META:
        return None
    parts = path.split("/")
    if parts[0] != "tls":
        raise BadContextError(f"{path}: unexpected context file")
    if "\\" in path or "\0" in path:
        raise BadContextError(rf"{path}: unexpected '\' in path")
    if any(part in ("", ".", "..") for part in parts):
        raise BadContextError(f"{path}: unexpected path format")
    if len(parts) != 3:
        raise BadContextError(f"{path}: invalid context: expected tls/<endpoint>/<file>")
    return parts[1], parts[2]


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    if len(data) > LARGEST:
        raise BadContextError(f"the archive has more than {LARGEST >> 20} MiB")
    try:
        yield from _of_zip(data) if data.startswith(b"PK\x03\x04") else _of_tar(data)
    except _NO_ARCHIVE as error:
        raise BadContextError(f"this is no archive of a context: {error}") from error


def _of_tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    # Docker's client ends its archives where the last file ends, which is not where a block does.
    whole = data + b"\0" * (-len(data) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
    with tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as tar:
        for member in tar:
            if member.offset_data + member.size > len(data):
                raise BadContextError(f"this is no archive of a context: {member.name} is cut")
            file = tar.extractfile(member) if member.isreg() else None
            if file is not None:
                yield member.name, file.read(LARGEST)


def _of_zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    left = LARGEST
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            with archive.open(member) as file:
                inside = file.read(left + 1)
            left -= len(inside)
            if left < 0:
                raise BadContextError(f"the archive has more than {LARGEST >> 20} MiB")
            yield member.filename, inside


def _add(tar: tarfile.TarFile, name: str, data: bytes | None, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.mode = mode
    if data is None:
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
        return
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
