"""Objects in a bucket of an S3-compatible store; `layout` has their names.

obstore does the protocol. Only its blocking calls are used: an asynchronous one that is under way
when the interpreter ends can abort the process. It makes its threads at the first call, so a
process must not fork after that.

A large object is a multipart upload, which nobody sees before it is complete; when the bytes fail
to come it is aborted. `unfinished` removes those of processes that were killed. Every request is
bounded in time, which is why reads are many requests and not one long one: a store that is dead,
or accepts and says nothing, is an error within half a minute.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from wherry.base.errors import InvalidError
from wherry.registry.blobdrivers.driver import (
    Key,
    ObjectInfo,
    ObjectNotFoundError,
    Redirect,
    Streamed,
)
from wherry.registry.blobdrivers.handover import Handover
from wherry.registry.blobdrivers.layout import OBJECTS, is_key, relative
from wherry.registry.blobdrivers.objectfailures import (
    NO_BUCKET,
    NO_SUCH_RANGE,
    reason,
    unavailable,
)
from wherry.registry.blobdrivers.unfinished import UnfinishedUploads, UploadsHiddenError
from wherry.registry.server.settings import MIB, ObjectStorage

log = logging.getLogger(__name__)

_SMALL = 8 * MIB  # up to this an object is one request
_PART = 16 * MIB  # 10,000 parts make an object: the largest has 160 GiB
_PARTS_AT_ONCE = 3
_READ = 4 * MIB
_COPIED = 1024 * MIB  # what the store copies within the time of one request; its limit is 5 GiB
_DELETED_AT_ONCE = 1000  # a limit of S3
_LISTED_AT_ONCE = 1000
_REQUEST_SECONDS = 25.0
_ATTEMPTS = 3
_FAILURES = (BaseError, OSError, ValueError)


class BadEndpointError(InvalidError):
    """An endpoint in the settings is not the URL of a store."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"endpoint {endpoint!r} is not a URL such as http://minio.example:9000")


class ObjectDriver:
    """Implements `BlobDriver`. Any number of processes and machines may use one bucket."""

    def __init__(self, storage: ObjectStorage, *, seconds: float = _REQUEST_SECONDS) -> None:
        self._storage = storage
        self._prefix = f"{prefix}/" if (prefix := storage.prefix.strip("/")) else ""
        self._store = _store(storage, storage.endpoint, seconds)
        self._unfinished = UnfinishedUploads(storage, f"{self._prefix}{OBJECTS}/", seconds)
        self._public = self._store
        if storage.public_endpoint:
            self._public = _store(storage, storage.public_endpoint, seconds)

    def write(self, key: Key, pieces: Iterable[bytes]) -> int:
        """Write an object out of `pieces` and return its size; holds at most about 64 MiB."""
        name = self._name(key)
        rest = iter(pieces)
        beginning = list(_up_to(rest, _SMALL))
        size = sum(map(len, beginning))
        if size > _SMALL:
            return self._write_parts(name, itertools.chain(beginning, rest))
        with self._failures():
            obstore.put(self._store, name, b"".join(beginning), use_multipart=False)
        return size

    def _write_parts(self, name: str, pieces: Iterator[bytes]) -> int:
        """Write a large object and return its size.

        The library takes the pieces in another thread: where it asks for them nothing may use the
        library again, and pieces may well come from another object.
        """
        handover = Handover()
        with ThreadPoolExecutor(1, "upload") as threads:
            upload = threads.submit(
                obstore.put,
                self._store,
                name,
                handover,
                chunk_size=_PART,
                max_concurrency=_PARTS_AT_ONCE,
            )
            upload.add_done_callback(lambda _: handover.stop())
            size = handover.give_all(pieces)
            with self._failures():
                upload.result()
        return size

    def compose(self, key: Key, parts: Sequence[Key]) -> int:
        """Write an object out of others and return its size; the store itself copies a lone one."""
        if len(parts) == 1 and (size := self.size(parts[0])) <= _COPIED:
            with self._failures(parts[0]):
                obstore.copy(self._store, self._name(parts[0]), self._name(key))
            return size
        return self.write(key, itertools.chain.from_iterable(map(self.read, parts)))

    def size(self, key: Key) -> int:
        """Return an object's size in bytes; raises ObjectNotFoundError."""
        with self._failures(key):
            return obstore.head(self._store, self._name(key))["size"]

    def read(self, key: Key, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield bytes from `start`, at most `length` of them; raises ObjectNotFoundError."""
        if length is None:
            length = max(self.size(key) - start, 0)
        end = start + length
        while start < end:
            asked = min(_READ, end - start)
            piece = self._range(key, start, asked)
            if piece:
                yield piece
            if len(piece) < asked:
                return
            start += asked

    def _range(self, key: Key, start: int, length: int) -> bytes:
        """Return what there is of a range; a store refuses one that has no byte of the object."""
        name = self._name(key)
        with self._failures(key):
            try:
                return bytes(obstore.get_range(self._store, name, start=start, length=length))
            except BaseError as error:
                if not reason(error).startswith(NO_SUCH_RANGE):
                    raise
                return b""

    def source(self, key: Key, *, redirect: bool = True) -> Redirect | Streamed:
        """Return a signed URL where clients may fetch for themselves, or how to read it here."""

        def read(start: int, length: int) -> Iterator[bytes]:
            return self.read(key, start, length)

        if not (redirect and self._storage.redirect):
            return Streamed(read)
        expires = timedelta(seconds=self._storage.redirect_seconds)
        with self._failures():
            return Redirect(obstore.sign(self._public, "GET", self._name(key), expires), read)

    def delete(self, keys: Sequence[Key]) -> None:
        """Delete objects, 1,000 with one request; those that are not there are no error.

        A key without an object may have been that of a writer who was killed: what the store has
        of the upload goes as well.
        """
        names = [self._name(key) for key in keys]
        with self._failures():
            for first in range(0, len(names), _DELETED_AT_ONCE):
                obstore.delete(self._store, names[first : first + _DELETED_AT_ONCE])
            try:
                self._unfinished.abort(set(names))
            except UploadsHiddenError as error:
                log.warning("unfinished uploads are not removed: %s", reason(error))

    def walk(self) -> Iterator[ObjectInfo]:
        """Yield every object; whatever else lies below the prefix is passed over."""
        with self._failures():
            pages = obstore.list(
                self._store, f"{self._prefix}{OBJECTS}", chunk_size=_LISTED_AT_ONCE
            )
        while page := self._next(pages):
            for found in page:
                name = found["path"].rpartition("/")[2]
                if is_key(name) and found["path"] == self._name(Key(name)):
                    yield ObjectInfo(Key(name), found["size"], found["last_modified"].timestamp())

    def _next(self, pages: Iterator[Sequence[Any]]) -> Sequence[Any]:
        with self._failures():
            return next(pages, ())

    def check(self) -> None:
        """Raise StorageUnavailableError unless an object can be written now."""
        with self._failures():
            obstore.put(self._store, f"{self._prefix}check", b"wherry", use_multipart=False)

    def _name(self, key: Key) -> str:
        return self._prefix + relative(key)

    @contextlib.contextmanager
    def _failures(self, key: Key | None = None) -> Iterator[None]:
        """Tell the library's failures with the way out; with `key`, that it is not there."""
        try:
            yield
        except FileNotFoundError as error:
            if key is not None and reason(error) != NO_BUCKET:
                raise ObjectNotFoundError(key) from None
            raise unavailable(self._storage, error) from error
        except _FAILURES as error:
            raise unavailable(self._storage, error) from error


def _store(storage: ObjectStorage, endpoint: str, seconds: float) -> S3Store:
    if endpoint and "://" not in endpoint:
        raise BadEndpointError(endpoint)
    options: dict[str, Any] = {"region": storage.region}
    if endpoint:
        options["endpoint"] = endpoint
    if storage.access_key:
        # Not as options: those would be mixed with a session's token from the environment.
        credentials = {
            "access_key_id": storage.access_key,
            "secret_access_key": storage.secret_key,
            "token": None,
            "expires_at": None,
        }
        options["credential_provider"] = lambda: credentials
    return S3Store(
        storage.bucket,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=min(5.0, seconds)),
            "timeout": timedelta(seconds=seconds),
            "default_content_type": "application/octet-stream",
        },
        retry_config={
            "max_retries": _ATTEMPTS - 1,
            "retry_timeout": timedelta(seconds=seconds),
        },
        **options,
    )


def _up_to(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield pieces until there is more than `size` of them, or no more."""
    while size >= 0 and (piece := next(pieces, None)) is not None:
        size -= len(piece)
        yield piece
