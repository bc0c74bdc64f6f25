"""Manifests and tags: looked up, stored.

A manifest is stored behind the repository's lock, and so is a blob taken out of it: either the
blob's link is seen, and what takes blobs away sees afterwards that it is needed, or it is not seen
and the manifest is refused. A manifest whose blob is gone cannot come to be.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wherry.oci.digest import Digest
from wherry.registry.server.backend import (
    ImmutableError,
    ManifestBlobUnknownError,
    ManifestUnknownError,
    StoredManifest,
)
from wherry.registry.server.catalog.catalog import Event, ManifestEntry
from wherry.registry.server.catalog.database import Transaction, batches, marks
from wherry.registry.server.catalog.part import Part, record


class Manifests(Part):
    """The catalog's methods on manifests and tags that look up and store."""

    async def resolve(self, name: str, tag: str) -> Digest:
        """Return where a tag leads."""
        rows = await self._database.rows(
            "SELECT digest FROM tags WHERE repository = $1 AND name = $2", name, tag
        )
        if rows:
            return Digest(rows[0][0])
        await self._require_repository(name)
        raise ManifestUnknownError(name, tag)

    async def has_manifest(self, name: str, digest: Digest) -> bool:
        """Tell whether a repository has a manifest."""
        rows = await self._database.rows(
            "SELECT 1 FROM manifests WHERE repository = $1 AND digest = $2", name, digest
        )
        return bool(rows)

    async def manifest(self, name: str, digest: Digest) -> StoredManifest:
        """Return a manifest."""
        rows = await self._database.rows(
            "SELECT media_type, body FROM manifests WHERE repository = $1 AND digest = $2",
            name,
            digest,
        )
        if rows:
            return StoredManifest(digest, rows[0][0], bytes(rows[0][1]))
        await self._require_repository(name)
        raise ManifestUnknownError(name, digest)

    async def put_manifest(
        self,
        name: str,
        entry: ManifestEntry,
        tag: str,
        by: str,
        now: float,
        *,
        may_move: bool,
        require: bool = True,
    ) -> None:
        """Store a manifest, and let `tag` lead to it unless that is ""."""

        async def work(tx: Transaction) -> None:
            await tx.lock("repository", name)
            if tag and not may_move:
                await _refuse_to_move(tx, name, tag, entry.manifest.digest)
            if require:
                await _require_contents(tx, name, entry)
            await _store(tx, name, entry, now)
            if tag:
                await _set_tag(tx, name, tag, entry.manifest.digest, now)
            if require:
                manifest = entry.manifest
                await record(
                    tx,
                    Event(0, "push", name, tag, manifest.digest, manifest.media_type, by, now),
                )

        await self._database.transact(work)


async def _refuse_to_move(tx: Transaction, name: str, tag: str, digest: Digest) -> None:
    rows = await tx.rows("SELECT digest FROM tags WHERE repository = $1 AND name = $2", name, tag)
    if rows and rows[0][0] != digest:
        raise ImmutableError(f"tag {tag} of {name} is immutable: push under another tag")


async def _require_contents(tx: Transaction, name: str, entry: ManifestEntry) -> None:
    blobs = "SELECT digest FROM links WHERE repository = $1 AND digest IN"
    children = "SELECT digest FROM manifests WHERE repository = $1 AND digest IN"
    missing = await _missing(tx, blobs, name, entry.blobs)
    missing += await _missing(tx, children, name, entry.children)
    if missing:
        raise ManifestBlobUnknownError(missing)


async def _missing(tx: Transaction, sql: str, name: str, wanted: Sequence[Digest]) -> list[Digest]:
    found: set[str] = set()
    for some in batches(wanted):
        rows = await tx.rows(f"{sql} ({marks(some, 2)})", name, *some)
        found.update(row[0] for row in rows)
    return [digest for digest in dict.fromkeys(wanted) if digest not in found]


async def _store(tx: Transaction, name: str, entry: ManifestEntry, now: float) -> None:
    manifest = entry.manifest
    await tx.run(
        "INSERT INTO repositories VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET updated = excluded.updated",
        name,
        now,
    )
    # Pushed again under another media type, it is the same bytes: the last word counts.
    await tx.run(
        "INSERT INTO manifests (repository, digest, media_type, size, subject, pushed, platforms,"
        " descriptor, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (repository, digest) DO UPDATE SET media_type = excluded.media_type,"
        " size = excluded.size, subject = excluded.subject, pushed = excluded.pushed,"
        " platforms = excluded.platforms, descriptor = excluded.descriptor",
        name,
        manifest.digest,
        manifest.media_type,
        entry.size,
        entry.subject or "",
        now,
        msgspec.json.encode(entry.platforms),
        msgspec.json.encode(entry.descriptor),
        manifest.body,
    )
    await _store_needs(tx, name, manifest.digest, "blob", entry.blobs)
    await _store_needs(tx, name, manifest.digest, "child", entry.children)
    # Those that are there; `link` looks after those that are still to come.
    await tx.run(
        "UPDATE links SET needed = 1 WHERE repository = $1 AND needed = 0 AND digest IN"
        " (SELECT digest FROM needs WHERE repository = $1 AND manifest = $2 AND kind = 'blob')",
        name,
        manifest.digest,
    )


async def _store_needs(
    tx: Transaction, name: str, manifest: Digest, kind: str, digests: Sequence[Digest]
) -> None:
    for some in batches(digests):
        rows = ", ".join(f"($1, $2, $3, ${4 + number})" for number in range(len(some)))
        await tx.run(
            f"INSERT INTO needs VALUES {rows} ON CONFLICT DO NOTHING", name, manifest, kind, *some
        )


async def _set_tag(tx: Transaction, name: str, tag: str, digest: Digest, now: float) -> None:
    await tx.run(
        "INSERT INTO tags VALUES ($1, $2, $3, $4) ON CONFLICT (repository, name)"
        " DO UPDATE SET digest = excluded.digest, pushed = excluded.pushed",
        name,
        tag,
        digest,
        now,
    )
