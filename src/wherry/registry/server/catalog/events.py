"""Events for webhooks, and how far each webhook is; `part.record` writes them."""

from __future__ import annotations

from wherry.registry.server.catalog.catalog import Event
from wherry.registry.server.catalog.database import Transaction
from wherry.registry.server.catalog.part import Part


class Events(Part):
    """The catalog's methods on events."""

    async def events(self, after: int, limit: int) -> list[Event]:
        """Return events in their order."""
        rows = await self._database.rows(
            "SELECT id, action, repository, tag, digest, media_type, actor, time FROM events"
            " WHERE id > $1 ORDER BY id LIMIT $2",
            after,
            limit,
        )
        return [Event(*row) for row in rows]

    async def cursor(self, name: str) -> int:
        """Return the last event that a webhook has had; new ones begin at the present end."""
        rows = await self._database.rows("SELECT event FROM cursors WHERE name = $1", name)
        if rows:
            return int(rows[0][0])

        async def work(tx: Transaction) -> int:
            # An event that is being written is behind this lock, and so is its number.
            await tx.lock("events", "")
            await tx.run(
                "INSERT INTO cursors SELECT $1, COALESCE(MAX(id), 0) FROM events WHERE true"
                " ON CONFLICT (name) DO NOTHING",
                name,
            )
            return int((await tx.rows("SELECT event FROM cursors WHERE name = $1", name))[0][0])

        return await self._database.transact(work)

    async def advance(self, name: str, event: int) -> None:
        """Write down how far a webhook is; events that all have had are forgotten."""

        async def work(tx: Transaction) -> None:
            await tx.run(
                "UPDATE cursors SET event = $2 WHERE name = $1 AND event < $2", name, event
            )
            await tx.run("DELETE FROM events WHERE id <= (SELECT MIN(event) FROM cursors)")

        await self._database.transact(work)
