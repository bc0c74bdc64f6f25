"""Lists: of repositories, tags and referrers, in the order of their bytes, a page at a time.

What a caller may see is decided outside, so names are read in batches until a page is full: the
list of a large registry is never read whole for one page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.oci.reading import read
from wherry.registry.server.backend import RepositoryDetail, TagDetail, Visible
from wherry.registry.server.catalog.catalog import TagRow
from wherry.registry.server.catalog.database import batches, marks
from wherry.registry.server.catalog.part import Part

_BATCH = 500
_LIKE = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})

# The size of an index is that of its largest child: a client pulls one of them.
_TAGS = """
SELECT t.name, t.digest, m.media_type, t.pushed, m.platforms,
    COALESCE((SELECT MAX(c.size) FROM needs n JOIN manifests c
              ON c.repository = n.repository AND c.digest = n.digest
              WHERE n.repository = t.repository AND n.manifest = t.digest AND n.kind = 'child'),
             0) + m.size
FROM tags t JOIN manifests m ON m.repository = t.repository AND m.digest = t.digest
WHERE t.repository = $1 AND t.name > $2 ORDER BY t.name LIMIT $3
"""


class Listing(Part):
    """The catalog's methods that list."""

    async def tags(self, name: str, after: str, limit: int) -> list[str]:
        """Return up to `limit` tags behind `after`."""
        rows = await self._database.rows(
            "SELECT name FROM tags WHERE repository = $1 AND name > $2 ORDER BY name LIMIT $3",
            name,
            after,
            limit,
        )
        if not rows:
            await self._require_repository(name)
        return [row[0] for row in rows]

    async def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return tags with digest, size, time and platforms."""
        rows = await self._database.rows(_TAGS, name, after, limit)
        if not rows:
            await self._require_repository(name)
        read = msgspec.json.Decoder(list[str]).decode
        return [
            TagDetail(tag, Digest(digest), media_type, int(size), pushed, tuple(read(platforms)))
            for tag, digest, media_type, pushed, platforms, size in rows
        ]

    async def tag_rows(self, name: str) -> list[TagRow]:
        """Return every tag of a repository, the last pushed first."""
        found: list[TagRow] = []
        after = ""
        while True:
            rows = await self._database.rows(
                "SELECT name, digest, pushed FROM tags WHERE repository = $1 AND name > $2"
                " ORDER BY name LIMIT $3",
                name,
                after,
                _BATCH,
            )
            found += [TagRow(row[0], Digest(row[1]), row[2]) for row in rows]
            if len(rows) < _BATCH:
                return sorted(found, key=lambda row: (-row.pushed, row.name))
            after = found[-1].name
            await asyncio.sleep(0)  # as in `_names`

    async def referrers(self, name: str, digest: Digest) -> list[Descriptor]:
        """Return the descriptors of manifests with this subject, oldest first."""
        rows = await self._database.rows(
            "SELECT descriptor FROM manifests WHERE repository = $1 AND subject = $2"
            " ORDER BY pushed, digest",
            name,
            digest,
        )
        return [read(bytes(row[0]), Descriptor) for row in rows]

    async def repositories(self, after: str, limit: int, visible: Visible) -> list[str]:
        """Return up to `limit` visible names behind `after`."""
        return await self._names("", after, limit, visible)

    async def search(self, text: str, limit: int, visible: Visible) -> list[RepositoryDetail]:
        """Return visible repositories whose names have `text`."""
        names = await self._names(text, "", limit, visible)
        found = {one.name: one for some in batches(names) for one in await self._details(some)}
        return list(found.values())

    async def _names(self, text: str, after: str, limit: int, visible: Visible) -> list[str]:
        if not text.isascii() or "\0" in text:
            return []  # no name has such characters, and PostgreSQL refuses a NUL
        pattern = f"%{text.lower().translate(_LIKE)}%"
        found: list[str] = []
        while len(found) < limit:
            rows = await self._database.rows(
                "SELECT name FROM repositories WHERE name > $1 AND name LIKE $2 ESCAPE '\\'"
                " ORDER BY name LIMIT $3",
                after,
                pattern,
                _BATCH,
            )
            found += [row[0] for row in rows if visible(row[0])]
            if len(rows) < _BATCH:
                break
            after = rows[-1][0]
            # SQLite is read on the event loop: others have their turn after each batch.
            await asyncio.sleep(0)
        return found[:limit]

    async def _details(self, names: Sequence[str]) -> list[RepositoryDetail]:
        wanted = marks(names)
        times = await self._grouped(f"SELECT name, updated FROM repositories"
                                    f" WHERE name IN ({wanted})", names)  # fmt: skip
        tags = await self._grouped(f"SELECT repository, COUNT(*) FROM tags"
                                   f" WHERE repository IN ({wanted}) GROUP BY repository",
                                   names)  # fmt: skip
        sizes = await self._grouped(f"SELECT l.repository, SUM(b.size) FROM links l"
                                    f" JOIN blobs b ON b.digest = l.digest"
                                    f" WHERE l.repository IN ({wanted}) GROUP BY l.repository",
                                    names)  # fmt: skip
        return [
            RepositoryDetail(name, int(tags.get(name, 0)), int(sizes.get(name, 0)), times[name])
            for name in names
            if name in times
        ]

    async def _grouped(self, sql: str, names: Sequence[str]) -> dict[str, float]:
        return {row[0]: row[1] for row in await self._database.rows(sql, *names)}
