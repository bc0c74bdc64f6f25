"""The port of a database: one text of SQL for both, and what differs hidden in two small drivers.

Parameters are `$1`, `$2`. The dialect is what SQLite and PostgreSQL share: ON CONFLICT, RETURNING,
common expressions. A transaction is a function, so that it can be run again when a database gives
it up for another's sake; it must change nothing but what it changes through its argument.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from wherry.base.errors import UnavailableError

Row = tuple[Any, ...]
Result = TypeVar("Result")
Value = TypeVar("Value")

# A statement takes a limited number of values, some 32,000 on both.
_MOST = 512


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer, or cannot write."""


class Transaction(Protocol):
    """One transaction; it ends with the function that it was given to."""

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return all rows of a statement."""

    async def run(self, sql: str, *values: object) -> int:
        """Run a statement; return how many rows it changed."""

    async def lock(self, kind: str, name: str) -> None:
        """Have the lock of this name until the end; what others with it did is seen from here."""


class Database(Protocol):
    """A database; its methods raise DatabaseUnavailableError."""

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return all rows of a statement that only reads.

        There are none where a value is text that a database cannot have: nothing is called so.
        """

    async def transact(
        self, work: Callable[[Transaction], Awaitable[Result]], *, durable: bool = True
    ) -> Result:
        """Run a transaction; what it changed is there when this returns, or nothing of it.

        Cancelled or failed, it has happened entirely or not at all. `durable` False: it survives
        the end of every process, but perhaps not a power cut.
        """

    async def close(self) -> None:
        """Close every connection."""


def marks(values: Sequence[object], first: int = 1) -> str:
    """Return `$1, $2, …` for as many values, from `$first` on; a list in SQL cannot be empty."""
    return ", ".join(f"${first + n}" for n in range(len(values)))


def batches(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield all values in lists for statements, whose last value may be repeated.

    Their lengths are powers of two: so there are few statements, and databases know them already.
    """
    for start in range(0, len(values), _MOST):
        some = list(values[start : start + _MOST])
        length = 1 << (len(some) - 1).bit_length()
        yield some + some[-1:] * (length - len(some))
