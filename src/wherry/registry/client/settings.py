"""What the operator decides about registries, and how patient the client is."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.values import dataclass
from wherry.registry.client.proxies import Proxies


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Registries that differ from the rule.

    insecure: `host[:port]` or CIDR; tried by HTTPS without verification, then by plain HTTP. The
        loopback always counts as insecure.
    mirrors: URLs, for pulls from docker.io only, tried in order before it.
    certificates: directories with `<host[:port]>/*.crt` (authorities) and `*.cert` with `*.key`
        (what the client shows of itself).
    authorities: PEM files of more authorities, for every host.
    proxies: which proxies requests go through, those of the environment if None.
    """

    insecure: Sequence[str] = ()
    mirrors: Sequence[str] = ()
    certificates: Sequence[str] = ("/etc/docker/certs.d", "/etc/wherry/certs.d")
    authorities: Sequence[str] = ()
    proxies: Proxies | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a registry can make the client wait for; all times in seconds.

    connect: to connect, with the TLS handshake.
    stall: without one byte, in either direction.
    reply: for a whole small reply: a manifest, a token, an error.
    commit: for the answer to an upload, while the registry verifies what it got.
    pauses: before each new attempt; their number is that of the attempts after the first.
    download_pauses: the same for a blob that is fetched; `pauses` if None.
    transfers: of blobs at once with one host.
    """

    connect: float = 30
    stall: float = 60
    reply: float = 120
    commit: float = 900
    pauses: Sequence[float] = (0.5, 1, 2, 4, 8)
    download_pauses: Sequence[float] | None = None
    transfers: int = 6

    @property
    def before_downloads(self) -> Sequence[float]:
        """The pauses before new attempts to fetch a blob."""
        return self.pauses if self.download_pauses is None else self.download_pauses


def pauses_of(attempts: int) -> tuple[float, ...]:
    """Return the pauses between so many attempts: each is twice the last, up to eight seconds."""
    return tuple(min(0.5 * 2.0**number, 8.0) for number in range(max(attempts, 1) - 1))
