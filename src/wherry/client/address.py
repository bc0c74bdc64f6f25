"""Where the engine listens, and how to get there: one class for each kind of address.

`unix:///path`, `tcp://host:port` (with TLS where certificates are given), `http://` and `https://`
for those two, and `ssh://user@host:port/path`. Which address it is to be is the caller's matter.

Whatever the kind, `connect` returns a plain stream socket of which each direction ends on its own;
TLS and ssh have a socket pair in between (`wherry.client.relay`). So nothing above this module
knows how far away the engine is, and only those who go there load `ssl` or start a program.
"""

from __future__ import annotations

import socket

from wherry.client.errors import AddressError, UnreachableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.client.identity import Identity

DEFAULT = "unix:///run/wherry/wherry.sock"
PORT = 2375
TLS_PORT = 2376
LONGEST_PATH = 107  # sun_path less its final zero
KNOWN = "unix:///path/to.sock, tcp://host:port or ssh://user@host"
# TCP is asked for at connecting only: a build may be silent for hours, a lost machine for ever.
CONNECT_SECONDS = 30.0


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
            return self._open()
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnreachableError(self.text, reason, self._way_out(error)) from error

    def trouble(self) -> str:
        """Say why the last connection ended, where more than its end is known of it."""
        return ""

    def _open(self) -> socket.socket:
        if self.host:
            return open_tcp(self.host, self.port)
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.connect(self.path)
        except OSError:
            connected.close()
            raise
        return connected

    def _way_out(self, error: OSError) -> str:
        """Say what a user can do about it."""
        if self.host:
            return "is the engine there started with -H tcp://…? Name another with -H"
        if isinstance(error, PermissionError):
            return f"use sudo, or have yourself added to the group that owns {self.path}"
        return f"start the engine with 'sudo wherryd -H {self.text}', or name another with -H"


def open_tcp(host: str, port: int) -> socket.socket:
    """Connect to a TCP port; raises OSError."""
    connected = socket.create_connection((host, port), CONNECT_SECONDS)
    connected.settimeout(None)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


def parse(text: str, identity: Identity | None = None) -> Address:
    """Read an address; with an identity, TCP is TLS. Raises AddressError with what is right."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("unix", text) if text.startswith("/") else ("tcp", text)
    if scheme == "unix" and rest:
        if len(rest.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
            raise AddressError(f"unable to parse docker host `{text}`: the path is too long")
        return Address(text, path=rest)
    if scheme in ("tcp", "http", "https") and rest:
        return _over_tcp(text, scheme, rest, identity)
    if scheme == "ssh":
        from wherry.client.ssh import parse as parse_ssh  # noqa: PLC0415 - for those who go far

        return parse_ssh(text)
    if scheme in ("npipe", "fd"):
        reason = {"npipe": "named pipes are of Windows", "fd": "it is for wherryd"}[scheme]
        raise AddressError(f"unable to parse docker host `{text}`: {reason}: use {KNOWN}")
    raise AddressError(f"unable to parse docker host `{text}`: use {KNOWN}")


def _over_tcp(text: str, scheme: str, rest: str, identity: Identity | None) -> Address:
    secure = scheme == "https" or (identity is not None and scheme != "http")
    host, port = _host_and_port(text, rest.rstrip("/"), TLS_PORT if secure else PORT)
    if not secure:
        return Address(text, host=host, port=port)
    from wherry.client.identity import Identity  # noqa: PLC0415 - as below
    from wherry.client.secure import SecureAddress  # noqa: PLC0415 - `ssl` takes 10 ms

    return SecureAddress(text, host, port, identity or Identity())


def _host_and_port(text: str, rest: str, default: int) -> tuple[str, int]:
    if rest.startswith("["):
        host, _, tail = rest[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = rest.partition(":")
    if port and not (port.isdecimal() and int(port) < 65536):
        raise AddressError(f"unable to parse docker host `{text}`: {port!r} is not a port")
    return host or "127.0.0.1", int(port) if port else default
