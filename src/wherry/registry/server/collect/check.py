"""The check of what is kept: does the storage have what the catalog says, and nothing else?

It runs beside everything else, in bounded steps. What is taken away meanwhile is no fault: each one
that is found is looked at again before it is told. Objects that nobody knows of are not left by a
process that is killed, but by a power cut (a promise of the catalog does not survive it), by a
catalog that was put back from an older copy, or by hands; they are told when they are older than a
day, and deleted only where that is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice

from wherry.base.crossing import in_thread
from wherry.oci.digest import Digest, algorithm_of, digest_bytes
from wherry.registry.blobdrivers.driver import BlobDriver, ObjectNotFoundError
from wherry.registry.server.backend import (
    ManifestInvalidError,
    ManifestUnknownError,
    RepositoryUnknownError,
)
from wherry.registry.server.catalog.catalog import BlobRow, Catalog
from wherry.registry.server.collect.findings import BlobFault, CheckReport, Fault, ManifestFault
from wherry.registry.server.collect.names import all_names
from wherry.registry.server.hosted.receive import new_hash
from wherry.registry.server.hosted.understand import understand
from wherry.registry.server.settings import DAY

_ROWS = 200
_OBJECTS = 1000
Progress = Callable[[str, int], None]


async def check(
    catalog: Catalog,
    driver: BlobDriver,
    *,
    read: bool = False,
    repair: bool = False,
    progress: Progress | None = None,
) -> CheckReport:
    """Check once, where every repository's manifests are to be whole; see `Checker`."""
    return await Checker(catalog, driver).run(read=read, repair=repair, progress=progress)


class Checker:
    """Compares catalog and storage.

    `partial` tells repositories whose manifests need not be whole, such as those of caches.
    """

    def __init__(
        self,
        catalog: Catalog,
        driver: BlobDriver,
        *,
        partial: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._catalog = catalog
        self._driver = driver
        self._partial = partial

    async def run(
        self, *, read: bool = False, repair: bool = False, progress: Progress | None = None
    ) -> CheckReport:
        """Check once; raises UnavailableError when catalog or storage is away.

        read: read every blob and compare its digest. repair: delete objects that belong to nothing.
        progress: told what is being checked, and how many were.
        """
        report = CheckReport()
        told = progress or (lambda _what, _count: None)
        await self._blobs(report, told, read=read)
        await self._manifests(report, told)
        await self._objects(report, told, repair=repair)
        return report

    async def _blobs(self, report: CheckReport, told: Progress, *, read: bool) -> None:
        after = ""
        while rows := await self._catalog.blobs(after, _ROWS):
            for row in rows:
                fault = await in_thread(self._look, row, read=read)
                if fault is not None and await self._still_there(row):
                    report.bad_blobs.append(BlobFault(row.digest, row.key, fault))
            report.blobs += len(rows)
            report.read += sum(row.size for row in rows) if read else 0
            told("blobs", report.blobs)
            after = rows[-1].digest

    def _look(self, row: BlobRow, *, read: bool) -> Fault | None:
        try:
            if self._driver.size(row.key) != row.size:
                return "size"
            if not read:
                return None
            running = new_hash(algorithm_of(row.digest))
            for piece in self._driver.read(row.key):
                running.update(piece)
        except ObjectNotFoundError:
            return "missing"
        return None if row.digest.endswith(f":{running.hexdigest()}") else "digest"

    async def _still_there(self, row: BlobRow) -> bool:
        """Tell whether the catalog still has the blob in this object."""
        # The names behind a digest that lacks its last digit begin with the digest itself.
        now = await self._catalog.blobs(row.digest[:-1], 1)
        return bool(now) and now[0].digest == row.digest and now[0].key == row.key

    async def _manifests(self, report: CheckReport, told: Progress) -> None:
        async for name in all_names(self._catalog):
            if self._partial(name):
                continue
            waiting = [row.digest for row in await self._catalog.tag_rows(name)]
            seen: set[Digest] = set()
            while waiting:
                digest = waiting.pop()
                if digest in seen:
                    continue
                seen.add(digest)
                missing, children = await self._manifest(name, digest)
                waiting += children
                if missing and await self._catalog.has_manifest(name, digest):
                    report.bad_manifests.append(ManifestFault(name, digest, tuple(missing)))
            report.manifests += len(seen)
            told("manifests", report.manifests)

    async def _manifest(self, name: str, digest: Digest) -> tuple[list[Digest], list[Digest]]:
        """Return what a manifest lacks, and the manifests that it leads to."""
        try:
            manifest = await self._catalog.manifest(name, digest)
            found = await in_thread(understand, manifest.media_type, manifest.body, digest)
        except (ManifestUnknownError, RepositoryUnknownError):
            return [], []  # deleted meanwhile
        except ManifestInvalidError:
            return [digest], []
        missing = [one for one in found.entry.blobs if await self._catalog.blob(name, one) is None]
        children: list[Digest] = []
        for child in found.entry.children:
            there = await self._catalog.has_manifest(name, child)
            (children if there else missing).append(child)
        if digest_bytes(manifest.body, algorithm_of(digest)) != digest:
            missing.insert(0, digest)
        return missing, children

    async def _objects(self, report: CheckReport, told: Progress, *, repair: bool) -> None:
        before = time.time() - DAY
        walk = self._driver.walk()
        while some := await in_thread(lambda: list(islice(walk, _OBJECTS))):
            report.objects += len(some)
            known = await self._catalog.known([one.key for one in some])
            stray = [one for one in some if one.key not in known and one.modified < before]
            report.stray += stray
            if stray and repair:
                await in_thread(self._driver.delete, [one.key for one in stray])
                report.removed += len(stray)
            told("objects", report.objects)
