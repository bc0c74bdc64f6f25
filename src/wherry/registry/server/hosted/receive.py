"""Bytes that a client sends become an object, hashed on their way.

Short bodies are collected on the event loop and written in one go: a thread is busy only with a
client that has sent more than that. When a client breaks off, what had arrived is written all the
same, so that it can go on from there; its error is kept in `Arrival.error` for later.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Protocol

from wherry.base.crossing import to_the_end
from wherry.base.feed import Feed, fed
from wherry.registry.blobdrivers.driver import BlobDriver, Key
from wherry.registry.server.backend import TooLargeError

_SHORT = 256 << 10
_PIECE = 1 << 20
_WAITING = 2 << 20  # of each upload, where the disk is slower than its client


class Hash(Protocol):
    """A running hash (`hashlib`); large updates let other threads run."""

    @property
    def name(self) -> str:
        """The algorithm, as a digest names it."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the digest of what was added."""

    def copy(self) -> Hash:
        """Return another one in the same state."""


def new_hash(algorithm: str = "sha256") -> Hash:
    """Begin a hash."""
    return hashlib.new(algorithm)


class Arrival:
    """What a client sends, as it comes; `error` is what broke it off, if anything did.

    limit: how many bytes may come, None for any number; TooLargeError goes through.
    """

    def __init__(self, chunks: AsyncIterator[bytes], limit: int | None = None) -> None:
        self._chunks = chunks
        self._limit = limit
        self._size = 0
        self._head: list[bytes] = []
        self._ended = False
        self.error: Exception | None = None

    async def begin(self) -> bool:
        """Wait for the first bytes, or all of them when they are few; False: none came."""
        while not self._ended and self._size < _SHORT:
            chunk = await self._next()
            if chunk:
                self._head.append(chunk)
        return self._size > 0

    async def write(self, driver: BlobDriver, key: Key, running: Hash | None) -> int:
        """Write all of it as an object, after `begin`; return its size in bytes."""
        if self._ended:
            return await to_the_end(driver.write, key, _hashed(iter(self._head), running))

        def work(feed: Feed) -> int:
            return driver.write(key, _hashed(_read(feed), running))

        return await fed(self._all(), work, waiting=_WAITING)

    async def _all(self) -> AsyncGenerator[bytes, None]:
        for chunk in self._head:
            yield chunk
        self._head.clear()
        while not self._ended:
            chunk = await self._next()
            if chunk:
                yield chunk

    async def _next(self) -> bytes:
        try:
            chunk = await anext(self._chunks, None)
        except Exception as error:
            self.error = error
            chunk = None
        if chunk is None:
            self._ended = True
            return b""
        self._size += len(chunk)
        if self._limit is not None and self._size > self._limit:
            raise TooLargeError(f"this upload may have {self._limit} more bytes, and has more")
        return chunk


def _read(feed: Feed) -> Iterator[bytes]:
    while piece := feed.read(_PIECE):
        yield piece


def _hashed(pieces: Iterator[bytes], running: Hash | None) -> Iterator[bytes]:
    for piece in pieces:
        if running is not None:
            running.update(piece)
        yield piece
