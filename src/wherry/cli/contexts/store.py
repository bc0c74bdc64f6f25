"""The store of contexts, on disk exactly as docker's client keeps it.

    <configuration>/contexts/            $DOCKER_CONFIG or ~/.docker
      meta/<sha256 of the name>/meta.json
      tls/<sha256 of the name>/<endpoint>/{ca,cert,key}.pem    0600 below 0700

A `meta.json` is kept whole: what it says beside the description and docker's endpoint belongs to
other programs. Files are written under another name and renamed, so a reader sees the old or the
new; TLS files first, so that a context never names an engine without what it needs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping

from wherry.base.errors import ConflictError, InvalidError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT = "default"
ENDPOINT = "docker"
AUTHORITY, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
_NAME = "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"
_LARGEST = 10 << 20

# Endpoint to file name to content.
Material = Mapping[str, Mapping[str, bytes]]


class NoContextError(NotFoundError):
    """There is no context of that name."""


class BadContextError(InvalidError):
    """A context's name or content cannot be used."""


class ContextExistsError(ConflictError):
    """The name is taken."""


class ContextInUseError(ConflictError):
    """The context is the one in use."""


def folder() -> str:
    """Return where docker's client keeps what it is to remember."""
    return os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


def check_name(name: str) -> None:
    """Raise BadContextError for what cannot be the name of a stored context."""
    if not name:
        raise BadContextError("context name cannot be empty")
    if name == DEFAULT:
        raise BadContextError(f'"{DEFAULT}" is a reserved context name')
    rest = name[1:]
    plain = name.isascii() and all(c.isalnum() or c in "_.+-" for c in rest)
    if not (plain and rest and name[0].isalnum()):
        raise BadContextError(
            f'context name "{name}" is invalid, names are validated against regexp "{_NAME}"'
        )


def directory(kind: str, name: str) -> str:
    """Return a context's directory; `kind` is meta or tls."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(folder(), "contexts", kind, digest)


def exists(name: str) -> bool:
    """Whether there is such a context."""
    return os.path.isdir(directory("meta", name))


def load(name: str) -> dict[str, Any]:
    """Return a context's metadata; raises NoContextError and BadContextError."""
    path = os.path.join(directory("meta", name), "meta.json")
    try:
        return _read(path)
    except FileNotFoundError as error:
        raise NoContextError(
            f'context "{name}": context not found: open {path}: no such file or directory'
        ) from error


def everything() -> Iterator[dict[str, Any]]:
    """Yield the metadata of every stored context, in no order; raises BadContextError."""
    top = os.path.join(folder(), "contexts", "meta")
    try:
        found = os.listdir(top)
    except OSError:
        return
    for entry in found:
        try:
            yield _read(os.path.join(top, entry, "meta.json"))
        except FileNotFoundError:
            continue  # being made, or being removed


def names() -> list[str]:
    """Return the names of all contexts, sorted; raises BadContextError."""
    return sorted({DEFAULT, *(str(one.get("Name") or "") for one in everything())})


def decode(data: bytes, path: str) -> dict[str, Any]:
    """Read metadata; raises BadContextError for what is none."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadContextError(f"failed to read metadata: parsing {path}: {error}") from error
    if not isinstance(content, dict):
        raise BadContextError(f"failed to read metadata: parsing {path}: not a JSON object")
    for key in ("Metadata", "Endpoints"):
        if content.get(key) is None:
            content[key] = {}
        if not isinstance(content[key], dict):
            raise BadContextError(f"failed to read metadata: parsing {path}: {key} is no object")
    return content


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadContextError(f"failed to read metadata: open {path}: {error.strerror}") from error
    return decode(data, path)


def endpoint(content: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Return where a context's engine is, and whether whatever it shows is taken; None if none."""
    found = content["Endpoints"].get(ENDPOINT)
    if not isinstance(found, dict):
        return None
    return str(found.get("Host") or ""), bool(found.get("SkipTLSVerify"))


def description(content: Mapping[str, Any]) -> str:
    """Return what a context says of itself."""
    return str(content["Metadata"].get("Description") or "")


def material_names(name: str) -> dict[str, list[str]]:
    """Return the names of a context's TLS files by endpoint."""
    top = directory("tls", name)
    try:
        return {one: sorted(os.listdir(os.path.join(top, one))) for one in sorted(os.listdir(top))}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def material(name: str) -> dict[str, dict[str, bytes]]:
    """Return a context's TLS files."""
    top = directory("tls", name)
    found: dict[str, dict[str, bytes]] = {}
    for one, files in material_names(name).items():
        found[one] = {}
        for file_name in files:
            with open(os.path.join(top, one, file_name), "rb") as file:
                found[one][file_name] = file.read(_LARGEST)
    return found


def save(content: Mapping[str, Any], files: Material | None) -> None:
    """Write a context; its TLS files stay if None is given, else become these."""
    name = content["Name"]
    if files is not None:
        _replace_material(name, files)
    top = directory("meta", name)
    os.makedirs(top, 0o755, exist_ok=True)
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    write_private(os.path.join(top, "meta.json"), data, 0o644)


def remove(name: str) -> None:
    """Remove a context, whether or not it is there."""
    for kind in ("meta", "tls"):
        shutil.rmtree(directory(kind, name), ignore_errors=True)
        if os.path.lexists(directory(kind, name)):
            raise BadContextError(f'context "{name}": cannot remove {directory(kind, name)}')


def _replace_material(name: str, files: Material) -> None:
    top = directory("tls", name)
    shutil.rmtree(top, ignore_errors=True)
    for one, contents in files.items():
        if not contents:
            continue
        os.makedirs(os.path.dirname(os.path.dirname(top)), 0o755, exist_ok=True)
        for path in (os.path.dirname(top), top, os.path.join(top, one)):
            if not os.path.isdir(path):
                os.mkdir(path, 0o700)
        for file_name, data in contents.items():
            write_private(os.path.join(top, one, file_name), data)


def write_private(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file that never has another mode than it is to have, and appears whole."""
    partial = f"{path}.{os.getpid()}.partial"
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        if os.path.lexists(partial):
            os.unlink(partial)
        raise
