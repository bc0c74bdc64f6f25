"""Robots, secrets that all processes share, and tasks that one process at a time does."""

from __future__ import annotations

import msgspec

from wherry.oci.reading import read
from wherry.registry.server.catalog.catalog import Robot
from wherry.registry.server.catalog.database import Transaction
from wherry.registry.server.catalog.part import Part


class Accounts(Part):
    """The catalog's methods on robots, secrets and claims."""

    async def robots(self) -> list[Robot]:
        """Return every robot, by name."""
        rows = await self._database.rows("SELECT body FROM robots ORDER BY name")
        return [read(bytes(row[0]), Robot) for row in rows]

    async def robot(self, name: str) -> Robot | None:
        """Return one."""
        rows = await self._database.rows("SELECT body FROM robots WHERE name = $1", name)
        return read(bytes(rows[0][0]), Robot) if rows else None

    async def put_robot(self, robot: Robot) -> None:
        """Store a robot; one of this name is replaced."""
        await self._run(
            "INSERT INTO robots VALUES ($1, $2)"
            " ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            robot.name,
            msgspec.json.encode(robot),
        )

    async def delete_robot(self, name: str) -> bool:
        """Delete one; returns whether it was there."""
        return bool(await self._run("DELETE FROM robots WHERE name = $1", name))

    async def secret(self, name: str, proposal: bytes) -> bytes:
        """Return the secret of this name that all processes share; `proposal` if there is none."""
        key = f"secret {name}"
        rows = await self._database.rows("SELECT value FROM meta WHERE key = $1", key)
        if not rows:
            await self._run(
                "INSERT INTO meta VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", key, proposal
            )
            rows = await self._database.rows("SELECT value FROM meta WHERE key = $1", key)
        return bytes(rows[0][0])

    async def claim(self, task: str, owner: str, now: float, until: float) -> bool:
        """Become, or stay, the only process that does a task until then."""
        claimed = await self._run(
            "INSERT INTO claims VALUES ($1, $2, $4) ON CONFLICT (task) DO UPDATE"
            " SET owner = excluded.owner, until = excluded.until"
            " WHERE claims.owner = excluded.owner OR claims.until <= $3",
            task,
            owner,
            now,
            until,
        )
        return bool(claimed)

    async def _run(self, sql: str, *values: object) -> int:
        async def work(tx: Transaction) -> int:
            return await tx.run(sql, *values)

        return await self._database.transact(work)
