"""TLS towards registries: the system's authorities, and the operator's per host.

`<directory>/<host[:port]>/` may hold `*.crt`, more authorities, and pairs `NAME.cert`, `NAME.key`,
a certificate that the client shows. The files are read when a connection is prepared and again
when one of them has changed; equal files give the same context, so that connections are shared.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence

from wherry.base.errors import InvalidError

_Stamp = tuple[tuple[str, int, int], ...]


class BadCertificatesError(InvalidError):
    """The operator's certificate files for a host cannot be used."""


class Contexts:
    """Makes and keeps SSL contexts; blocks on the disk, so call it in a thread."""

    def __init__(self, directories: Sequence[str], authorities: Sequence[str] = ()) -> None:
        self._directories = directories
        self._authorities = authorities
        self._unverified: ssl.SSLContext | None = None
        self._verified: dict[_Stamp, ssl.SSLContext] = {}

    def unverified(self) -> ssl.SSLContext:
        """Return the context for insecure registries: any certificate will do."""
        if self._unverified is None:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._unverified = context
        return self._unverified

    def verified(self, host: str) -> ssl.SSLContext:
        """Return the context for `host[:port]`; raises BadCertificatesError."""
        files = [path for directory in self._directories for path in _listed(directory, host)]
        stamp = tuple(_stamp(path) for path in (*self._authorities, *files))
        if stamp not in self._verified:
            self._verified[stamp] = _context(files, self._authorities)
        return self._verified[stamp]


def _listed(directory: str, host: str) -> list[str]:
    folder = os.path.join(directory, host)
    try:
        return sorted(os.path.join(folder, name) for name in os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BadCertificatesError(f"{folder}: {error.strerror}") from error


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise BadCertificatesError(f"{path}: {error.strerror}") from error
    return path, status.st_mtime_ns, status.st_size


def _context(files: Sequence[str], authorities: Sequence[str]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Private authorities often lack the extensions that X509_STRICT wants; Docker takes them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    for path in authorities:
        try:
            context.load_verify_locations(cafile=path)
        except OSError as error:
            raise BadCertificatesError(f"{path}: {error.strerror or error}") from error
    for path in files:
        stem, extension = os.path.splitext(path)
        try:
            if extension == ".crt":
                context.load_verify_locations(cafile=path)
            elif extension == ".cert":
                _require(f"{stem}.key", files, _missing_key(path))
                context.load_cert_chain(path, f"{stem}.key")
            elif extension == ".key":
                _require(f"{stem}.cert", files, _missing_certificate(path))
        except OSError as error:  # ssl.SSLError is one
            raise BadCertificatesError(f"{path}: {error.strerror or error}") from error
    return context


def _require(path: str, files: Sequence[str], message: str) -> None:
    if path not in files:
        raise BadCertificatesError(message)


def _missing_key(path: str) -> str:
    name = os.path.basename(path)
    key = name.removesuffix(".cert") + ".key"
    return (
        f"missing key {key} for client certificate {name}. "
        "CA certificates must use the extension .crt"
    )


def _missing_certificate(path: str) -> str:
    name = os.path.basename(path)
    return f"missing client certificate {name.removesuffix('.key')}.cert for key {name}"
