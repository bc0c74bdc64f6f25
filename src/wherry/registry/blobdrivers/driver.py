"""The port of blob drivers: objects of bytes under keys that are used once.

A key is made by `new_key` for each attempt to write, never from a digest, and never given again:
so nobody can delete an object that somebody else has just written under the same name, two uploads
of one blob do not meet, and an object, once written, never changes. Which digest lives in which
object is the catalog's knowledge, not the driver's.

Every method blocks and may be called from any thread. An object is there only when `write` has
returned: it is then durable (files are fsynced, with their directory). What a process that was
killed was writing may or may not be there; its key is known to the catalog, which has it deleted.

    objects
    └── <two digits of the key>/<key>
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NewType, Protocol

from wherry.base.errors import NotFoundError, UnavailableError
from wherry.base.values import dataclass

Key = NewType("Key", str)


class ObjectNotFoundError(NotFoundError):
    """No object has this key."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"object {key}: not found")
        self.key = key


class StorageUnavailableError(UnavailableError):
    """The storage does not answer, or refuses: full, no permission, no network."""


def new_key() -> Key:
    """Return a key that was never used: 32 hexadecimal digits."""
    return Key(secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as listed; `size` in bytes, `modified` in seconds since the epoch."""

    key: Key
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An object that can be sent from a file; `open` blocks, raises ObjectNotFoundError."""

    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Redirect:
    """An object that its readers can fetch themselves from `url`, for a limited time.

    `read`, as that of `Streamed`, is for whoever needs some of its bytes on this side.
    """

    url: str
    read: Callable[[int, int], Iterator[bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Streamed:
    """An object that has to be read through us; `read(start, length)` blocks while iterated."""

    read: Callable[[int, int], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Arriving:
    """Bytes that are still on their way to us: the whole body, once, and no ranges of it.

    `open` gives an iterator over all of it, to be closed (`aclose`) by whoever leaves early. When
    it raises, what was sent must not look whole: the connection is broken off. No driver returns
    one; a backend that fetches from elsewhere does.
    """

    open: Callable[[], AsyncGenerator[bytes, None]]


Source = LocalFile | Redirect | Streamed | Arriving


class BlobDriver(Protocol):
    """What every driver does; `tests/contract/test_blob_drivers.py` is its executable text."""

    def write(self, key: Key, pieces: Iterable[bytes]) -> int:
        """Write an object and return its size in bytes.

        When `pieces` raises, nothing is left under the key and the error goes on. Raises
        StorageUnavailableError. Memory is bounded whatever the size.
        """

    def compose(self, key: Key, parts: Sequence[Key]) -> int:
        """Write an object out of others, in their order, and return its size; parts stay.

        Raises ObjectNotFoundError, StorageUnavailableError.
        """

    def size(self, key: Key) -> int:
        """Return an object's size in bytes; raises ObjectNotFoundError."""

    def read(self, key: Key, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield bytes from `start`, at most `length` of them; raises ObjectNotFoundError."""

    def source(self, key: Key, *, redirect: bool = True) -> Source:
        """Return how an object is best sent to a client; does not look whether it is there.

        `redirect` False: the client does not follow redirects, or must not.
        """

    def delete(self, keys: Sequence[Key]) -> None:
        """Delete objects; those that are not there are no error."""

    def walk(self) -> Iterator[ObjectInfo]:
        """Yield every object; those written or deleted meanwhile may or may not be among them."""

    def check(self) -> None:
        """Raise StorageUnavailableError, with the way out, unless objects can be written now."""
