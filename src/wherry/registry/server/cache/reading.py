"""The bytes of a blob that is kept, for a reader on the event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from wherry.base.ahead import PIECE, read_ahead
from wherry.base.errors import InternalError
from wherry.registry.blobdrivers.driver import Arriving, LocalFile, Source


def read_from(source: Source, start: int, size: int) -> AsyncGenerator[bytes, None]:
    """Yield a blob of `size` bytes from `start` on; raises what the storage raises.

    Where clients are sent to an object store, it is read here all the same.
    """
    return read_ahead(_pieces(source, start, size))


def _pieces(source: Source, start: int, size: int) -> Iterator[bytes]:
    if isinstance(source, LocalFile):
        with source.open() as file:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece
    elif isinstance(source, Arriving) or source.read is None:
        raise InternalError(f"a blob that is kept cannot be read: {type(source).__name__}")
    else:
        yield from source.read(start, size - start)
