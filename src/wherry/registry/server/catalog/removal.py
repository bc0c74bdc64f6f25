"""Manifests and tags: deleted, by somebody or by retention. Blobs are collection's (`garbage`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.oci.digest import Digest
from wherry.registry.server.backend import ImmutableError, ManifestUnknownError
from wherry.registry.server.catalog.catalog import Event, Keeps, TagRow, Unlinked, nothing
from wherry.registry.server.catalog.database import Transaction, batches, marks
from wherry.registry.server.catalog.part import Part, record

_BATCH = 256
_RETENTION = "retention"  # who events say has deleted what nothing led to

# Nothing holds it: no tag, no index, and no subject that is there.
_UNHELD = """
m.pushed < $2
AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repository = m.repository AND t.digest = m.digest)
AND NOT EXISTS (SELECT 1 FROM needs n WHERE n.repository = m.repository AND n.kind = 'child'
                AND n.digest = m.digest)
AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repository = m.repository
                AND s.digest = m.subject AND m.subject <> '')
"""
_LOOK = f"""
SELECT m.digest, {_UNHELD} FROM manifests m
WHERE m.repository = $1 AND m.digest > $3 ORDER BY m.digest LIMIT $4
"""


class Removal(Part):
    """The catalog's methods that delete manifests and tags."""

    async def delete_manifest(
        self, name: str, digest: Digest, by: str, now: float, *, keeps: Keeps = nothing
    ) -> None:
        """Delete a manifest and its tags."""
        await self._require_repository(name)

        async def work(tx: Transaction) -> None:
            await tx.lock("repository", name)
            rows = await tx.rows(
                "SELECT media_type FROM manifests WHERE repository = $1 AND digest = $2",
                name,
                digest,
            )
            if not rows:
                raise ManifestUnknownError(name, digest)
            await _refuse_if_held(tx, name, digest, keeps)
            await _remove(tx, name, digest)
            await record(tx, Event(0, "delete", name, "", digest, rows[0][0], by, now))

        await self._database.transact(work)

    async def delete_tag(self, name: str, tag: str, by: str, now: float) -> None:
        """Delete a tag."""
        await self._require_repository(name)

        async def work(tx: Transaction) -> None:
            await tx.lock("repository", name)
            if not await _remove_tag(tx, name, tag, None, by, now):
                raise ManifestUnknownError(name, tag)

        await self._database.transact(work)

    async def drop_tags(self, name: str, tags: Sequence[TagRow], by: str, now: float) -> int:
        """Delete tags that still lead where the rows say; return how many."""

        async def work(tx: Transaction) -> int:
            await tx.lock("repository", name)
            count = 0
            for tag in tags:
                count += await _remove_tag(tx, name, tag.name, tag.digest, by, now)
            return count

        return await self._database.transact(work)

    async def drop_untagged(self, name: str, before: float, now: float) -> Unlinked:
        """Delete manifests pushed before that no tag, no index and no living subject holds.

        It goes through the repository once: what an index held that was dropped may be left for
        the next time.
        """
        count, size, after = 0, 0, ""
        while True:
            rows = await self._database.rows(_LOOK, name, before, after, _BATCH)
            if free := [digest for digest, unheld in rows if unheld]:
                sizes = await self._drop(name, free, before, now)
                count, size = count + len(sizes), size + sum(sizes)
            if len(rows) < _BATCH:
                return Unlinked(manifests=count, bytes=size)
            after = rows[-1][0]
            # SQLite is read on the event loop: others have their turn after each batch.
            await asyncio.sleep(0)

    async def _drop(
        self, name: str, digests: Sequence[str], before: float, now: float
    ) -> list[int]:
        """Delete those that are still not held; return the sizes of what they say they are."""

        async def work(tx: Transaction) -> list[int]:
            await tx.lock("repository", name)
            sizes = []
            events = []
            for some in batches(digests):
                rows = await tx.rows(
                    "SELECT m.digest, m.size, m.media_type FROM manifests m"
                    f" WHERE m.repository = $1 AND m.digest IN ({marks(some, 3)}) AND {_UNHELD}",
                    name,
                    before,
                    *some,
                )
                for digest, size, media_type in rows:
                    await _remove(tx, name, digest)
                    sizes.append(int(size))
                    events.append(Event(0, "delete", name, "", digest, media_type, _RETENTION, now))
            for event in events:
                await record(tx, event)
            return sizes

        return await self._database.transact(work)


async def _refuse_if_held(tx: Transaction, name: str, digest: Digest, keeps: Keeps) -> None:
    rows = await tx.rows(
        "SELECT name FROM tags WHERE repository = $1 AND digest = $2 ORDER BY name", name, digest
    )
    kept = [row[0] for row in rows if keeps(row[0])]
    if kept:
        raise ImmutableError(f"tag {kept[0]} of {name} is immutable and leads to {digest}")
    rows = await tx.rows(
        "SELECT manifest FROM needs WHERE repository = $1 AND kind = 'child' AND digest = $2"
        " LIMIT 1",
        name,
        digest,
    )
    if rows:
        raise ImmutableError(f"{digest} is part of {rows[0][0]}: delete that first")


async def _remove(tx: Transaction, name: str, digest: str) -> None:
    """Delete a manifest and its tags, and the repository when that was all."""
    await tx.run(
        "UPDATE links SET needed = 0 WHERE repository = $1 AND digest IN"
        " (SELECT digest FROM needs WHERE repository = $1 AND manifest = $2 AND kind = 'blob')"
        " AND NOT EXISTS (SELECT 1 FROM needs o WHERE o.repository = $1 AND o.kind = 'blob'"
        " AND o.digest = links.digest AND o.manifest <> $2)",
        name,
        digest,
    )
    await tx.run("DELETE FROM needs WHERE repository = $1 AND manifest = $2", name, digest)
    for table in ("tags", "manifests"):
        await tx.run(f"DELETE FROM {table} WHERE repository = $1 AND digest = $2", name, digest)
    await tx.run(
        "DELETE FROM repositories WHERE name = $1"
        " AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = $1)",
        name,
    )


async def _remove_tag(
    tx: Transaction, name: str, tag: str, digest: Digest | None, by: str, now: float
) -> int:
    """Delete a tag, only where it leads to `digest` unless that is None; how many that was."""
    rows = await tx.rows(
        "DELETE FROM tags WHERE repository = $1 AND name = $2 AND (digest = $3 OR $3 = '')"
        " RETURNING digest",
        name,
        tag,
        digest or "",
    )
    for row in rows:
        await record(tx, Event(0, "delete", name, tag, row[0], "", by, now))
    return len(rows)
