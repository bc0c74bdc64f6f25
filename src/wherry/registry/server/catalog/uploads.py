"""Uploads: begun, continued, ended; their objects are claimed from the garbage, or go back.

Whoever changes an upload changes or deletes its row first. PostgreSQL lets one after another do so,
and who comes second sees what the first has left: so there is no other lock on uploads.
"""

from __future__ import annotations

from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import Key
from wherry.registry.server.backend import UploadRangeError, UploadUnknownError
from wherry.registry.server.catalog.catalog import Segment, Upload
from wherry.registry.server.catalog.database import Transaction
from wherry.registry.server.catalog.part import Part, claim_object, link, throw_away

_BATCH = 100


class Uploads(Part):
    """The catalog's methods on uploads."""

    async def promise(self, key: Key, due: float) -> None:
        """Write down a key before its object is written."""

        async def work(tx: Transaction) -> None:
            await throw_away(tx, [(key, 0)], due)

        await self._database.transact(work, durable=False)

    async def begin_upload(self, upload: str, name: str, now: float) -> None:
        """Begin an upload."""

        async def work(tx: Transaction) -> None:
            await tx.run("INSERT INTO uploads VALUES ($1, $2, $3)", upload, name, now)

        await self._database.transact(work, durable=False)

    async def upload(self, name: str, upload: str) -> Upload:
        """Return an upload."""
        rows = await self._database.rows(
            "SELECT s.object, s.size FROM uploads u LEFT JOIN segments s ON s.upload = u.id"
            " WHERE u.id = $1 AND u.repository = $2 ORDER BY s.position",
            upload,
            name,
        )
        if not rows:
            raise UploadUnknownError(upload)
        segments = tuple(Segment(Key(row[0]), row[1]) for row in rows if row[0] is not None)
        return Upload(upload, name, segments)

    async def add_segment(self, upload: str, size: int, segment: Segment, now: float) -> None:
        """Claim an object as the next piece of an upload that has `size` bytes."""

        async def work(tx: Transaction) -> None:
            if not await tx.run("UPDATE uploads SET touched = $2 WHERE id = $1", upload, now):
                raise UploadUnknownError(upload)
            rows = await tx.rows(
                "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM segments WHERE upload = $1", upload
            )
            count, present = rows[0]
            if present != size:
                raise UploadRangeError(int(present))
            if not await claim_object(tx, segment.key):
                raise UploadUnknownError(upload)
            await tx.run(
                "INSERT INTO segments VALUES ($1, $2, $3, $4)",
                upload,
                count,
                segment.key,
                segment.size,
            )

        await self._database.transact(work, durable=False)

    async def finish_upload(
        self, upload: str, name: str, digest: Digest, segment: Segment, now: float
    ) -> None:
        """Claim an object as a blob, link it, end the upload."""

        async def work(tx: Transaction) -> None:
            await tx.lock("repository", name)
            await tx.lock("blob", digest)
            ended = await _end(tx, upload, name)
            if segment.key not in dict(ended) and not await claim_object(tx, segment.key):
                raise UploadUnknownError(upload)
            surplus = [one for one in ended if one[0] != segment.key]
            if await tx.rows("SELECT 1 FROM blobs WHERE digest = $1", digest):
                surplus.append((segment.key, segment.size))
            else:
                await tx.run(
                    "INSERT INTO blobs VALUES ($1, $2, $3)", digest, segment.size, segment.key
                )
            await throw_away(tx, surplus, now)
            await link(tx, name, digest, now)

        await self._database.transact(work)

    async def cancel_upload(self, name: str, upload: str, now: float) -> None:
        """Forget an upload."""
        await self.upload(name, upload)  # its id is whatever a client has written

        async def work(tx: Transaction) -> None:
            await throw_away(tx, await _end(tx, upload, name), now)

        await self._database.transact(work)

    async def expire_uploads(self, before: float, now: float) -> int:
        """Cancel the uploads that nobody touched since; return how many."""

        async def work(tx: Transaction) -> int:
            # Touched meanwhile, it is not deleted: the condition is looked at with the row locked.
            rows = await tx.rows(
                "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE touched < $1"
                " LIMIT $2) AND touched < $1 RETURNING id",
                before,
                _BATCH,
            )
            for row in rows:
                await throw_away(tx, await _segments(tx, row[0]), now)
            return len(rows)

        total = 0
        while count := await self._database.transact(work):
            total += count
        return total


async def _end(tx: Transaction, upload: str, name: str) -> list[tuple[Key, int]]:
    """Forget an upload and return its objects with their sizes."""
    if not await tx.run("DELETE FROM uploads WHERE id = $1 AND repository = $2", upload, name):
        raise UploadUnknownError(upload)
    return await _segments(tx, upload)


async def _segments(tx: Transaction, upload: str) -> list[tuple[Key, int]]:
    rows = await tx.rows("DELETE FROM segments WHERE upload = $1 RETURNING object, size", upload)
    return [(Key(row[0]), row[1]) for row in rows]
