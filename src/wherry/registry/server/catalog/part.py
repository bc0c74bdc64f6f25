"""What every subject of the catalog has in common: the database, and steps that several take.

Locks are taken in this order, so that nobody waits in a circle: the repository's, that of a blob
(several in the order of their digests), that of events.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.registry.blobdrivers.driver import Key
from wherry.registry.server.backend import RepositoryUnknownError
from wherry.registry.server.catalog.catalog import Event
from wherry.registry.server.catalog.database import Database, Transaction

_EVENT_SECONDS = 7 * 24 * 3600.0


class Part:
    """Statements of one subject over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _require_repository(self, name: str) -> None:
        rows = await self._database.rows("SELECT 1 FROM repositories WHERE name = $1", name)
        if not rows:
            raise RepositoryUnknownError(name)


async def throw_away(tx: Transaction, objects: Sequence[tuple[Key, int]], due: float) -> None:
    """Make objects garbage; each is given with its size."""
    for key, size in objects:
        await tx.run(
            "INSERT INTO garbage VALUES ($1, $2, 0, $3) ON CONFLICT (object) DO NOTHING",
            key,
            due,
            size,
        )


async def claim_object(tx: Transaction, key: Key) -> bool:
    """Take an object off the garbage; False when it is not there, or collection was faster.

    PostgreSQL looks at the row once nobody else is changing it: so of `doom` and this, whoever is
    first decides.
    """
    return await tx.run("DELETE FROM garbage WHERE object = $1 AND doomed = 0", key) == 1


async def link(tx: Transaction, name: str, digest: str, now: float) -> None:
    """Let a repository have a blob that is there; both locks are held."""
    # A copy of another registry's manifest may have come before its blobs.
    await tx.run(
        "INSERT INTO links VALUES ($1, $2, $3, CASE WHEN EXISTS (SELECT 1 FROM needs"
        " WHERE repository = $1 AND kind = 'blob' AND digest = $2) THEN 1 ELSE 0 END)"
        " ON CONFLICT (repository, digest) DO UPDATE SET touched = excluded.touched",
        name,
        digest,
        now,
    )


async def forget_unless_linked(tx: Transaction, digest: str, now: float) -> int | None:
    """Forget a blob that no repository has any more, and return its size; else None.

    The blob's lock is held since before its link was taken away: nobody links it meanwhile.
    """
    if await tx.rows("SELECT 1 FROM links WHERE digest = $1 LIMIT 1", digest):
        return None
    rows = await tx.rows("DELETE FROM blobs WHERE digest = $1 RETURNING object, size", digest)
    objects = [(Key(row[0]), int(row[1])) for row in rows]
    await throw_away(tx, objects, now)
    return sum(size for _, size in objects)


async def record(tx: Transaction, event: Event) -> None:
    """Write an event down for webhooks, if there are any, as the last thing of a transaction.

    Under a lock until the commit: readers go by ids, and one that is committed after a higher one
    would never be seen. Nobody waits for that lock where there are no webhooks. What no webhook has
    fetched for a week is forgotten: one that was taken out of the settings never comes back.
    """
    if not await tx.rows("SELECT 1 FROM cursors LIMIT 1"):
        return
    await tx.lock("events", "")
    await tx.run("DELETE FROM events WHERE time < $1", event.time - _EVENT_SECONDS)
    await tx.run(
        "INSERT INTO events (action, repository, tag, digest, media_type, actor, time)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        event.action,
        event.repository,
        event.tag,
        event.digest,
        event.media_type,
        event.by,
        event.time,
    )
