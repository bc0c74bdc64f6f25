"""PostgreSQL: the catalog that registries on several machines share.

READ COMMITTED with advisory locks: a statement sees whatever was committed when it begins, so what
is read behind a lock is as whoever had it before left it. A transaction that PostgreSQL gives up
(a deadlock, a serialization failure) is run again; one whose connection broke is not, since nobody
knows whether it was committed: its caller is told that the database is away, and asks again.

A process that stops in the middle of a transaction, or whose machine disappears, is disconnected by
PostgreSQL after a time, which gives its locks to those who wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from wherry.base.errors import UnsupportedError
from wherry.registry.server.catalog.database import (
    DatabaseUnavailableError,
    Result,
    Row,
    Transaction,
)

try:
    import asyncpg
except ImportError:  # an optional library: `open_postgres` says so
    asyncpg = None

_ATTEMPTS = 5
_CONNECTIONS = 10
_SECONDS = 30.0
_SESSION = {
    "application_name": "wherry-registry",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class MissingLibraryError(UnsupportedError):
    """The library is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "database: PostgreSQL needs the library asyncpg: pip install 'wherry[cluster]'"
        )


async def open_postgres(url: str) -> PostgresDatabase:
    """Connect; raises MissingLibraryError, DatabaseUnavailableError."""
    if asyncpg is None:
        raise MissingLibraryError
    shown = shown_url(url)
    with _failures(shown):
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=0,
                max_size=_CONNECTIONS,
                timeout=_SECONDS,
                command_timeout=_SECONDS,
                server_settings=_SESSION,
                reset=_leave_as_it_is,
            )
            async with pool.acquire(timeout=_SECONDS):
                pass  # it can be reached
        except ValueError:
            # Its words may have a part of the password.
            raise DatabaseUnavailableError(
                f"{shown}: this URL, or an option of it, cannot be read: special characters of"
                " a password are to be written as in all URLs (%40 for @)"
            ) from None
    return PostgresDatabase(pool, shown)


async def _leave_as_it_is(_connection: object) -> None:
    """Spare a question each time: no transaction leaves anything in a session."""


class PostgresDatabase:
    """Implements `Database`; made by `open_postgres`. `shown` is its name in errors."""

    def __init__(self, pool: Any, shown: str) -> None:
        self._pool = pool
        self._shown = shown

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return all rows of a statement that only reads."""
        async with self._connection() as connection:
            try:
                return [tuple(row) for row in await connection.fetch(sql, *values)]
            except asyncpg.DataError:
                if all(map(_can_be_kept, values)):
                    raise
                return []

    async def transact(
        self, work: Callable[[Transaction], Awaitable[Result]], *, durable: bool = True
    ) -> Result:
        """Run a transaction, again when it had to give way."""
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                return await self._once(work, durable)
        return await self._once(work, durable)

    async def _once(
        self, work: Callable[[Transaction], Awaitable[Result]], durable: bool
    ) -> Result:
        async with self._connection() as connection, connection.transaction():
            if not durable:
                await connection.execute("SET LOCAL synchronous_commit TO OFF")
            return await work(_PostgresTransaction(connection))

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with _failures(self._shown):
            async with self._pool.acquire(timeout=_SECONDS) as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection, those in use after a moment."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            self._pool.terminate()


class _PostgresTransaction:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        return [tuple(row) for row in await self._connection.fetch(sql, *values)]

    async def run(self, sql: str, *values: object) -> int:
        done = await self._connection.execute(sql, *values)
        _, _, count = done.rpartition(" ")  # as in `INSERT 0 1`, `UPDATE 3`
        return int(count) if count.isdecimal() else 0

    async def lock(self, kind: str, name: str) -> None:
        # Two names with one number would only wait for each other.
        key = hashlib.blake2b(f"{kind}:{name}".encode(), digest_size=8).digest()
        number = int.from_bytes(key, "big", signed=True)
        await self._connection.execute("SELECT pg_advisory_xact_lock($1)", number)


def _can_be_kept(value: object) -> bool:
    """Tell whether PostgreSQL can have this as a text, if it is one."""
    return not isinstance(value, str) or ("\0" not in value and value.isascii())


@contextlib.contextmanager
def _failures(shown: str) -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        TimeoutError,
        asyncpg.InterfaceError,
        asyncpg.PostgresConnectionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
        asyncpg.IdleInTransactionSessionTimeoutError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.PostgresSystemError,
        asyncpg.InternalServerError,
    ) as error:
        words = str(error) or type(error).__name__
        raise DatabaseUnavailableError(
            f"{shown}: {words}: does PostgreSQL run there, and may we connect?"
        ) from error


def shown_url(url: str) -> str:
    """Return a URL without user and password, and without options, which may have them too."""
    parts = urlsplit(url)
    _, user, host = parts.netloc.rpartition("@")
    if not user and ":" in host and not host.rpartition(":")[2].isdecimal():
        return f"{parts.scheme}://..."  # a password that was not written as URLs are
    return f"{parts.scheme}://{host or 'local socket'}{parts.path}"
