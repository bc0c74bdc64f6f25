"""What collection does: blobs that nobody needs, and objects that nobody claimed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from wherry.registry.blobdrivers.driver import Key
from wherry.registry.server.catalog.catalog import Segment, Unlinked
from wherry.registry.server.catalog.database import Transaction, batches, marks
from wherry.registry.server.catalog.part import Part, forget_unless_linked

# Of one repository in one transaction: whoever pushes there waits for it.
_AT_ONCE = 50


class Garbage(Part):
    """The catalog's methods of collection."""

    async def unlink_idle(self, before: float, now: float, limit: int) -> Unlinked:
        """Take blobs out of repositories where no manifest names them and nobody asked."""
        rows = await self._database.rows(
            "SELECT repository, digest FROM links WHERE needed = 0 AND touched < $1"
            " ORDER BY touched LIMIT $2",
            before,
            limit,
        )
        links, blobs, size = 0, 0, 0
        for name, group in groupby(sorted(rows), key=itemgetter(0)):
            digests = [digest for _, digest in group]
            for start in range(0, len(digests), _AT_ONCE):
                some = digests[start : start + _AT_ONCE]
                sizes = await self._unlink(name, some, before, now)
                gone = [one for one in sizes if one is not None]
                links, blobs, size = links + len(sizes), blobs + len(gone), size + sum(gone)
        return Unlinked(links=links, blobs=blobs, bytes=size)

    async def _unlink(
        self, name: str, digests: Sequence[str], before: float, now: float
    ) -> list[int | None]:
        """Take these out, in their order; the sizes of those that no repository has any more."""

        async def work(tx: Transaction) -> list[int | None]:
            await tx.lock("repository", name)
            sizes = []
            for digest in digests:
                await tx.lock("blob", digest)
                # Behind the repository's lock no manifest comes; but `touch` takes no lock. The
                # condition is in the DELETE itself, so that of the two the first decides.
                gone = await tx.run(
                    "DELETE FROM links WHERE repository = $1 AND digest = $2"
                    " AND needed = 0 AND touched < $3",
                    name,
                    digest,
                    before,
                )
                if gone:
                    sizes.append(await forget_unless_linked(tx, digest, now))
            return sizes

        return await self._database.transact(work)

    async def doom(self, now: float, limit: int) -> list[Segment]:
        """Return garbage that is due; none of it can be claimed any more."""

        async def work(tx: Transaction) -> list[Segment]:
            # A row that is claimed at this moment is waited for, and is gone then.
            rows = await tx.rows(
                "UPDATE garbage SET doomed = 1 WHERE object IN (SELECT object FROM garbage"
                " WHERE due <= $1 ORDER BY due LIMIT $2) RETURNING object, size",
                now,
                limit,
            )
            return [Segment(Key(row[0]), row[1]) for row in rows]

        return await self._database.transact(work)

    async def buried(self, keys: Sequence[Key]) -> None:
        """Forget objects that the driver has deleted."""

        async def work(tx: Transaction) -> None:
            for some in batches(keys):
                await tx.run(f"DELETE FROM garbage WHERE object IN ({marks(some)})", *some)

        await self._database.transact(work)

    async def known(self, keys: Sequence[Key]) -> set[Key]:
        """Return those keys that anything names."""
        found: set[Key] = set()
        for some in batches(keys):
            wanted = marks(some)
            rows = await self._database.rows(
                f"SELECT object FROM blobs WHERE object IN ({wanted})"
                f" UNION SELECT object FROM segments WHERE object IN ({wanted})"
                f" UNION SELECT object FROM garbage WHERE object IN ({wanted})",
                *some,
            )
            found.update(Key(row[0]) for row in rows)
        return found
