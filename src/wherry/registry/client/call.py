"""A request and its response, as the rest of the client sees them: no library behind them shows."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from wherry.base.values import dataclass, field
from wherry.registry.auth.challenge import Challenge

MAX_ERROR_BODY = 64 << 10


class Body(Protocol):
    """What is uploaded; `chunks` begins anew each time, `failure` is why it could not be read."""

    @property
    def size(self) -> int:
        """Bytes that `chunks` yields."""

    @property
    def failure(self) -> BaseException | None:
        """What went wrong on this side, if anything did."""

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes, from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request. `scopes` are rights beyond the usual that its token needs.

    bulk: it moves a blob, so it waits for a place, and whoever sends it tries it again.
    redirects: whether the server may send it elsewhere.
    """

    method: str
    url: str
    context: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Body | None = None
    scopes: tuple[str, ...] = ()
    bulk: bool = False
    redirects: bool = True


class Response(Protocol):
    """A response whose head has arrived; leave it as a context, or close it."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def url(self) -> str:
        """Where the response came from, after redirects."""

    @property
    def challenges(self) -> Sequence[Challenge]:
        """What WWW-Authenticate says."""

    def header(self, name: str) -> str:
        """Return a header's value, empty without it."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises BrokenConnectionError."""

    async def read(self, limit: int) -> bytes:
        """Return the body; raises OversizedReplyError beyond `limit` bytes."""

    async def raise_refusal(self, prefix: str = "") -> None:
        """Raise the error that a status other than 2xx stands for; nothing for 2xx."""

    async def close(self) -> None:
        """Give the connection back, or up when something is left on it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Sender(Protocol):
    """Sends requests."""

    async def send(self, call: Call) -> Response:
        """Return the response, whatever its status; raises what keeps one from arriving."""
