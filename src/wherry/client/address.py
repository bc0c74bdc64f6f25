"""Where the engine listens: `unix:///path` or `tcp://host:port`.

The address comes from the flag, else from WHERRY_HOST, else from DOCKER_HOST, else it is the
engine's own default.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from wherry.client.errors import AddressError, UnreachableError

DEFAULT = "unix:///run/wherry/wherry.sock"
PORT = 2375
LONGEST_PATH = 107  # sun_path less its final zero


class Address:
    """A place to connect to; `text` is what the user wrote."""

    __slots__ = ("host", "path", "port", "text")

    def __init__(self, text: str, path: str = "", host: str = "", port: int = 0) -> None:
        self.text = text
        self.path = path
        self.host = host
        self.port = port

    def connect(self) -> socket.socket:
        """Open a stream socket; raises UnreachableError."""
        try:
            if self.host:
                connected = socket.create_connection((self.host, self.port))
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connected
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connected.connect(self.path)
            except OSError:
                connected.close()
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnreachableError(self.text, reason, self._way_out(error)) from error
        return connected

    def _way_out(self, error: OSError) -> str:
        """Say what a user can do about it."""
        if self.host:
            return "is the engine there started with -H tcp://…? Name another with -H"
        if isinstance(error, PermissionError):
            return f"use sudo, or have yourself added to the group that owns {self.path}"
        return f"start the engine with 'sudo wherryd -H {self.text}', or name another with -H"


def choose(flag: str, environment: Mapping[str, str]) -> str:
    """Return the address to use, as text."""
    return flag or environment.get("WHERRY_HOST") or environment.get("DOCKER_HOST") or DEFAULT


def parse(text: str) -> Address:
    """Read an address; raises AddressError with what would be right."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("unix", text) if text.startswith("/") else ("tcp", text)
    if scheme == "unix" and rest:
        if len(rest.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
            raise AddressError(f"unable to parse docker host `{text}`: the path is too long")
        return Address(text, path=rest)
    if scheme in ("tcp", "http") and rest:
        host, port = _host_and_port(text, rest.rstrip("/"))
        return Address(text, host=host, port=port)
    raise AddressError(
        f"unable to parse docker host `{text}`: use unix:///path/to.sock or tcp://host:port"
    )


def _host_and_port(text: str, rest: str) -> tuple[str, int]:
    if rest.startswith("["):
        host, _, tail = rest[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = rest.partition(":")
    if port and not (port.isdecimal() and int(port) < 65536):
        raise AddressError(f"unable to parse docker host `{text}`: {port!r} is not a port")
    return host or "127.0.0.1", int(port) if port else PORT
