"""The build cache: what steps of builds have made, directories that outlive them, and a memory.

    entries   a key, which is all that a step depended on, leads to the layer that it made; an entry
              keeps its layer from collection, though no image may have it
    mounts    directories of `RUN --mount=type=cache`, `build/mounts/<hash of the id>/`
    memory    what a step depended on the last time: only for saying why it was not found

Nothing here is needed: whatever is lost is made again. So no transaction is a durable one, and
`recover` removes rows without their layer or directory, and directories without a row. Whoever
looks an entry up and wants its layer to stay holds its diff ID by a lease, then looks whether it is
there; nothing that a lease names is removed. Who uses mounts is known to builds alone.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from wherry.base.trees import size_below
from wherry.base.values import dataclass
from wherry.oci.digest import Digest
from wherry.store import trash
from wherry.store.cachefilters import chosen_by
from wherry.store.collection import Collector
from wherry.store.errors import full_disk_named
from wherry.store.layout import Layout
from wherry.store.metadata.database import Database, Row

MOUNT_KIND: Final = "exec.cachemount"
_MOST_SLOTS: Final = 2_000
_LARGEST_MEMORY: Final = 1 << 20
_COLUMNS: Final = (
    "key, diff_id, size, tar_size, created, used, uses, kind, description, parent, body"
)
_PRESENT: Final = (
    "(diff_id = '' OR EXISTS (SELECT 1 FROM layers WHERE layers.diff_id = build_cache.diff_id))"
)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A step. `diff_id` is "" where it changed nothing; sizes in bytes, times in nanoseconds."""

    key: str
    diff_id: Digest
    size: int
    tar_size: int
    created: int
    used: int
    uses: int = 1
    kind: str = "regular"
    description: str = ""
    parent: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """An entry, or a mount, as it is listed; `id` is a digest of its key.

    `shared` says that an image or a container has the layer as well, `in_use` that a build has it
    now. Where several entries lead to one layer, all but the one used last have size 0.
    """

    id: str
    kind: str
    description: str
    parent: str
    size: int
    created: int
    used: int
    uses: int
    shared: bool = False
    in_use: bool = False


def _no_mounts() -> Collection[str]:
    return ()


class BuildCache:
    """See the module; may be used by any thread."""

    def __init__(self, layout: Layout, database: Database, collector: Collector) -> None:
        self._layout = layout
        self._database = database
        self._collector = collector

    def get(self, key: str) -> CacheEntry | None:
        """Return an entry, None when there is none or its layer has gone; changes nothing."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM build_cache WHERE key = ? AND {_PRESENT}",  # noqa: S608
            (key,),
        )
        return CacheEntry(*row) if row else None

    def has_prefix(self, prefix: str) -> bool:
        """Tell whether there is an entry whose key begins like this."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else "\U0010ffff"
        row = self._database.row(
            f"SELECT 1 FROM build_cache WHERE key >= ? AND key < ? AND {_PRESENT} LIMIT 1",  # noqa: S608
            (prefix, end),
        )
        return row is not None

    def all(self) -> list[CacheEntry]:
        """Return every entry, the one that was not used for longest first."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM build_cache ORDER BY used, created, key"  # noqa: S608
        )
        return [CacheEntry(*row) for row in rows]

    def put(self, entry: CacheEntry) -> None:
        """Add an entry, or replace the one with its key, whose layer goes if nothing needs it."""
        values = tuple(getattr(entry, name) for name in _COLUMNS.split(", "))
        marks = ", ".join("?" * len(values))
        with self._database.transaction(durable=False) as writer:
            before = writer.execute(
                "SELECT diff_id FROM build_cache WHERE key = ?", (entry.key,)
            ).fetchone()
            writer.execute(f"INSERT OR REPLACE INTO build_cache VALUES ({marks})", values)  # noqa: S608
        if before and before[0] not in ("", entry.diff_id):
            self._collector.collect({before[0]})

    def touch(self, keys: Iterable[str], now_ns: int | None = None) -> None:
        """Note that entries were of use; once for each time that a key is given."""
        now = time.time_ns() if now_ns is None else now_ns
        with self._database.transaction(durable=False) as writer:
            writer.executemany(
                "UPDATE build_cache SET used = max(used, ?), uses = uses + 1 WHERE key = ?",
                [(now, key) for key in keys],
            )

    def remember(self, slot: str, body: bytes, now_ns: int | None = None) -> None:
        """Keep what a step depended on under the step's name; too large a body is not kept."""
        now = time.time_ns() if now_ns is None else now_ns
        with self._database.transaction(durable=False) as writer:
            if len(body) > _LARGEST_MEMORY:
                # What was kept before would tell of the wrong build.
                writer.execute("DELETE FROM build_memory WHERE slot = ?", (slot,))
                return
            writer.execute(
                "INSERT OR REPLACE INTO build_memory VALUES (?, ?, ?)", (slot, now, body)
            )
            writer.execute(
                "DELETE FROM build_memory WHERE rowid IN (SELECT rowid FROM build_memory"
                " ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (_MOST_SLOTS,),
            )

    def recall(self, slot: str) -> bytes | None:
        """Return what was kept for a step."""
        row = self._database.row("SELECT body FROM build_memory WHERE slot = ?", (slot,))
        return row[0] if row else None

    def mount_directory(self, identity: str, description: str = "") -> tuple[str, bool]:
        """Return the directory of a cache mount, and whether it is a new one, which is empty."""
        path, now = self._layout.build_mount(_hash(identity)), time.time_ns()
        with self._database.transaction(durable=False) as writer, full_disk_named(path):
            writer.execute(
                "INSERT INTO build_mounts VALUES (?, ?, ?, 1, ?)"
                " ON CONFLICT DO UPDATE SET used = excluded.used, uses = uses + 1",
                (identity, now, now, description or f"cache mount {identity}"),
            )
            # With the writer, so that nobody takes it for one without a row, or removes it now.
            try:
                os.mkdir(path, 0o755)
            except FileExistsError:
                return path, False
        return path, True

    def usage(self, mounts_in_use: Callable[[], Collection[str]] = _no_mounts) -> list[CacheUsage]:
        """List entries and mounts, the one that was not used for longest first.

        `mounts_in_use` gives the ids of mounts that steps have now. It takes as long as there are
        files in mounts.
        """
        return self._usage(self._sizes(), mounts_in_use())

    def _mounts(self) -> list[Row]:
        return self._database.rows("SELECT id, created, used, uses, description FROM build_mounts")

    def _sizes(self) -> dict[str, int]:
        """Return the sizes of all mounts, by id."""
        return {
            identity: size_below(self._layout.build_mount(_hash(identity)))
            for identity, *_ in self._mounts()
        }

    def _usage(self, sizes: Mapping[str, int], mounts_in_use: Collection[str]) -> list[CacheUsage]:
        leased, shared = self._collector.leased(), self._collector.used()
        listed = [
            CacheUsage(
                _hash(identity), MOUNT_KIND, description, "", sizes.get(identity, 0), created,
                used, uses, in_use=identity in mounts_in_use,
            )
            for identity, created, used, uses, description in self._mounts()
        ]  # fmt: skip
        counted: set[Digest] = set()
        for entry in reversed(self.all()):
            size = 0 if entry.diff_id in counted else entry.size
            counted.add(entry.diff_id)
            listed.append(
                CacheUsage(
                    _hash(entry.key), entry.kind, entry.description, entry.parent, size,
                    entry.created, entry.used, entry.uses, entry.diff_id in shared,
                    entry.diff_id in leased,
                )
            )  # fmt: skip
        return sorted(listed, key=lambda one: (one.used, one.created, one.id))

    def prune(
        self,
        *,
        keep_bytes: int = 0,
        all_: bool = False,
        filters: Mapping[str, Sequence[str]] | None = None,
        older_than_ns: int | None = None,
        mounts_in_use: Callable[[], Collection[str]] = _no_mounts,
    ) -> tuple[list[str], int]:
        """Remove what was not used for longest, until the rest fits into `keep_bytes`.

        Returns the ids of what was removed, and the bytes that it freed. What images or containers
        have as well counts for nothing, and stays unless `all_`, for removing it frees nothing.
        `older_than_ns` is a time: only what was last used before it goes. What a build uses stays.
        `mounts_in_use` gives ids of mounts; it is asked while none can be handed out. Raises
        InvalidError for filters that say nothing.
        """
        rules = _Rules(keep_bytes, all_, chosen_by(filters or {}), older_than_ns)
        sizes = self._sizes()
        with self._database.transaction(durable=False):
            listed = self._usage(sizes, mounts_in_use())
            layers = {_hash(entry.key): entry.diff_id for entry in self.all()}
            gone = _victims(listed, layers, rules)
            aside = self._forget(gone)
        for path in aside:
            trash.empty(path)
        freed = sum(one.size for one in gone if one.kind == MOUNT_KIND)
        candidates = {layers[one.id] for one in gone if one.kind != MOUNT_KIND}
        freed += self._collector.collect(candidates).size
        return [one.id for one in gone], freed

    def _forget(self, gone: Iterable[CacheUsage]) -> list[str | None]:
        """Take entries and mounts out; returns what is to be removed of mounts."""
        aside = []
        identities = {_hash(identity): identity for identity, *_ in self._mounts()}
        keys = {_hash(entry.key): entry.key for entry in self.all()}
        with self._database.transaction(durable=False) as writer:
            for one in gone:
                if one.kind != MOUNT_KIND:
                    writer.execute("DELETE FROM build_cache WHERE key = ?", (keys[one.id],))
                    continue
                writer.execute("DELETE FROM build_mounts WHERE id = ?", (identities[one.id],))
                aside.append(trash.discard(self._layout, self._layout.build_mount(one.id)))
        return aside

    def recover(self) -> None:
        """Remove entries without their layer, and mounts of which half is missing."""
        mounts = {_hash(identity): identity for identity, *_ in self._mounts()}
        names = set(os.listdir(self._layout.build_mounts))
        with self._database.transaction(durable=False) as writer:
            writer.execute(f"DELETE FROM build_cache WHERE NOT {_PRESENT}")  # noqa: S608
            writer.executemany(
                "DELETE FROM build_mounts WHERE id = ?",
                [(mounts[name],) for name in mounts.keys() - names],
            )
        for name in names - mounts.keys():
            trash.remove(self._layout, self._layout.build_mount(name))


@dataclass(frozen=True, slots=True)
class _Rules:
    keep_bytes: int
    all_: bool
    chosen: Callable[[CacheUsage], bool]
    older_than_ns: int | None

    def allow(self, one: CacheUsage) -> bool:
        """Tell whether it may be removed, if there is need."""
        if one.in_use or (one.shared and not self.all_) or not self.chosen(one):
            return False
        return self.older_than_ns is None or one.used < self.older_than_ns


def _victims(
    listed: Sequence[CacheUsage], layers: Mapping[str, Digest], rules: _Rules
) -> list[CacheUsage]:
    """Return what goes; a layer is gone only with the last entry that leads to it. Pure."""
    sizes, entries = Counter[str](), Counter[str]()
    for one in listed:
        sizes[layers.get(one.id, one.id)] += one.size
        entries[layers.get(one.id, one.id)] += 1
    left = sum(one.size for one in listed if not one.shared)
    gone = []
    for one in listed:
        if rules.keep_bytes and left <= rules.keep_bytes:
            break
        if not rules.allow(one):
            continue
        gone.append(one)
        layer = layers.get(one.id, one.id)
        entries[layer] -= 1
        if not entries[layer] and not one.shared:
            left -= sizes[layer]
    return gone


def _hash(identity: str) -> str:
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
