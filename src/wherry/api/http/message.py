"""Requests and responses as values.

A request's body is read by whoever needs it, in pieces, at the pace it is asked for. A response
says what is to be sent, and the connection sends it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field

NO_HEADERS: Mapping[str, str] = {}


class BodyTooLargeError(InvalidError):
    """A request's body is longer than its route takes."""


class Body(Protocol):
    """A request's body: what `chunks` yields is gone from it."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""

    async def read(self, limit: int) -> bytes:
        """Return the whole body; `BodyTooLargeError` when it has more than `limit` bytes."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose head has arrived; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Body

    def header(self, name: str) -> str:
        """Return a header's value, empty when it is not there."""
        return self.headers.get(name, "")

    @property
    def wants_upgrade(self) -> bool:
        """True when the client proposes to leave HTTP on this connection."""
        return "upgrade" in self.header("connection").lower() and bool(self.header("upgrade"))


class Duplex(Protocol):
    """A connection that has left HTTP; each direction ends on its own."""

    async def receive(self) -> bytes:
        """Return what the client sent next, empty once it has ended its direction."""

    async def send(self, data: bytes) -> None:
        """Send, at the client's pace; `ConnectionError` when it is gone."""

    @property
    def gone(self) -> bool:
        """True when the client is known to have closed both directions."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response; without a `content_type` it has no body."""

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)


@dataclass(frozen=True, slots=True)
class Stream:
    """A response whose body comes in pieces, each sent as soon as it is there.

    The head waits for the first piece, so that an error before it gets its own status, unless
    `at_once` asks for the head first. Later errors become a last piece by `last_words`; without
    them the connection is cut, as the client must not take the body for complete.
    """

    pieces: AsyncIterator[bytes]
    content_type: str
    at_once: bool = False
    last_words: Callable[[Exception], bytes] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)


@dataclass(frozen=True, slots=True)
class Hijack:
    """Leave HTTP: after the head, `run` owns the connection until it returns."""

    run: Callable[[Duplex], Awaitable[None]]
    content_type: str


Response = Reply | Stream | Hijack
