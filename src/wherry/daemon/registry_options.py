"""The options of the engine's own registry: read from what flags and file gave. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

DEFAULT_PORT: Final = 5000
# Key in the file, flag without its hyphens, and name among the values.
KEYS: Final = {
    "registry": "registry",
    "registry-htpasswd": "registry_htpasswd",
    "registry-tls-certificate": "registry_tls_certificate",
    "registry-tls-key": "registry_tls_key",
}
_LOOPBACK: Final = re.compile(r"127\..*|::1|localhost")
_HOST: Final = r"\[[0-9a-fA-F:.%]+\]|[^\[\]:/\s]*"
_ADDRESS: Final = re.compile(rf"(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?")


class RegistryOptionsError(InvalidError):
    """The options of the registry make no sense."""


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """Where to serve, `host` "" for every address; paths are absolute, "" for none."""

    host: str
    port: int
    htpasswd: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def is_public(self) -> bool:
        """Tell whether others than this machine reach it."""
        return not _LOOPBACK.fullmatch(self.host)


def add_flags(add: Callable[..., object]) -> None:
    """Declare the flags on an argument parser, whose `add_argument` is given."""
    add(
        "--registry",
        metavar="[ADDRESS][:PORT]",
        help="serve the engine's images as a registry: 127.0.0.1:5001 for this machine, :5001 for"
        f" others too; without accounts they can pull, and push from this machine only"
        f" (port {DEFAULT_PORT})",
    )
    add(
        "--registry-htpasswd",
        metavar="FILE",
        help="accounts of that registry, as `htpasswd -B` writes them: they pull and push, others"
        " do nothing",
    )
    add("--registry-tls-certificate", metavar="FILE", help="serve that registry by TLS: PEM")
    add("--registry-tls-key", metavar="FILE", help="the certificate's key: PEM")


def take(values: MutableMapping[str, Any]) -> RegistryOptions | None:
    """Take the options out of all values; raises RegistryOptionsError."""
    address, *files = (values.pop(name, "") for name in KEYS.values())
    htpasswd, certificate, key = (os.path.abspath(one) if one else "" for one in files)
    if not address:
        if any(files):
            raise RegistryOptionsError("--registry is wanted with the other options of a registry")
        return None
    if bool(certificate) is not bool(key):
        raise RegistryOptionsError("--registry-tls-certificate and --registry-tls-key go together")
    host, port = _address(address)
    return RegistryOptions(host, port, htpasswd, certificate, key)


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"] or DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 1 << 16:
        raise RegistryOptionsError(
            f"--registry: {text!r} is no address: say 127.0.0.1:5001, [::1]:5001, or :5001 for all"
        )
    return match["host"].strip("[]"), port
