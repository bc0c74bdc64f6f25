"""What the operator decides about registries, and how patient the client is."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.values import dataclass


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Registries that differ from the rule.

    insecure: `host[:port]` or CIDR; tried by HTTPS without verification, then by plain HTTP. The
        loopback always counts as insecure.
    mirrors: URLs, for pulls from docker.io only, tried in order before it.
    certificates: directories with `<host[:port]>/*.crt` (authorities) and `*.cert` with `*.key`
        (what the client shows of itself).
    authorities: PEM files of more authorities, for every host.
    """

    insecure: Sequence[str] = ()
    mirrors: Sequence[str] = ()
    certificates: Sequence[str] = ("/etc/docker/certs.d", "/etc/wherry/certs.d")
    authorities: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a registry can make the client wait for; all times in seconds.

    connect: to connect, with the TLS handshake.
    stall: without one byte, in either direction.
    reply: for a whole small reply: a manifest, a token, an error.
    commit: for the answer to an upload, while the registry verifies what it got.
    pauses: before each new attempt; their number is that of the attempts after the first.
    transfers: of blobs at once with one host.
    """

    connect: float = 30
    stall: float = 60
    reply: float = 120
    commit: float = 900
    pauses: Sequence[float] = (0.5, 1, 2, 4, 8)
    transfers: int = 6
