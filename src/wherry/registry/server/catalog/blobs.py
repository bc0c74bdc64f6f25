"""Blobs of repositories: looked up, kept from collection, mounted, taken out."""

from __future__ import annotations

from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import Key
from wherry.registry.server.backend import BlobUnknownError, ImmutableError
from wherry.registry.server.catalog.catalog import BlobRow, Event
from wherry.registry.server.catalog.database import Transaction
from wherry.registry.server.catalog.part import Part, forget_unless_linked, link, record


class Blobs(Part):
    """The catalog's methods on blobs."""

    async def blob(self, name: str, digest: Digest) -> BlobRow | None:
        """Return a blob of a repository."""
        rows = await self._database.rows(
            "SELECT b.size, b.object, l.touched FROM links l JOIN blobs b ON b.digest = l.digest"
            " WHERE l.repository = $1 AND l.digest = $2",
            name,
            digest,
        )
        return BlobRow(digest, rows[0][0], Key(rows[0][1]), rows[0][2]) if rows else None

    async def touch(self, name: str, digest: Digest, now: float) -> bool:
        """Keep a blob from collection for another grace; False when it has just been collected."""

        async def work(tx: Transaction) -> bool:
            return bool(
                await tx.run(
                    "UPDATE links SET touched = $3 WHERE repository = $1 AND digest = $2",
                    name,
                    digest,
                    now,
                )
            )

        return await self._database.transact(work, durable=False)

    async def mount(self, name: str, digest: Digest, source: str | None, now: float) -> bool:
        """Link a blob that `source`, or with None any repository, has; False when it has not."""

        linked = "SELECT 1 FROM links WHERE digest = $1 AND (repository = $2 OR $2 = '') LIMIT 1"
        if not await self._database.rows(linked, digest, source or ""):
            return False  # as for most that are asked for: that costs no transaction

        async def work(tx: Transaction) -> bool:
            await tx.lock("repository", name)
            await tx.lock("blob", digest)
            # Behind the blob's lock: its last link cannot go while this one comes.
            rows = await tx.rows(linked, digest, source or "")
            if rows:
                await link(tx, name, digest, now)
                await record(tx, Event(0, "mount", name, "", digest, "", "", now))
            return bool(rows)

        return await self._database.transact(work)

    async def delete_blob(self, name: str, digest: Digest) -> None:
        """Unlink a blob."""

        async def work(tx: Transaction) -> None:
            await tx.lock("repository", name)
            rows = await tx.rows(
                "SELECT touched FROM links WHERE repository = $1 AND digest = $2", name, digest
            )
            if not rows:
                raise BlobUnknownError(digest)
            needed = await tx.rows(
                "SELECT manifest FROM needs WHERE repository = $1 AND kind = 'blob'"
                " AND digest = $2 LIMIT 1",
                name,
                digest,
            )
            if needed:
                raise ImmutableError(f"{digest} is part of {needed[0][0]}: delete that first")
            await tx.lock("blob", digest)
            await tx.run("DELETE FROM links WHERE repository = $1 AND digest = $2", name, digest)
            # Due at once, as any time that has passed is.
            await forget_unless_linked(tx, digest, rows[0][0])

        await self._database.transact(work)

    async def blobs(self, after: str, limit: int) -> list[BlobRow]:
        """Return blobs of the whole registry in order of digests."""
        rows = await self._database.rows(
            "SELECT digest, size, object FROM blobs WHERE digest > $1 ORDER BY digest LIMIT $2",
            after,
            limit,
        )
        return [BlobRow(Digest(row[0]), row[1], Key(row[2]), 0.0) for row in rows]
