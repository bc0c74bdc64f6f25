"""The unpacked layers: one directory for each diff ID, immutable once it has its name.

A layer is unpacked into `<hex>.<random>.partial`, verified, renamed, and then gets its row; a
directory without a row is an orphan, which `recover` removes. A writable directory that a build has
filled becomes a layer where it lies: `seal` computes its digest, `adopt` renames it and writes the
row. Different layers unpack in parallel; whoever wants one that is being unpacked waits for it.

What is in a layer need not have reached the disk when its row has: `sync` sees to that, for all at
once, before an image names them. A row says with which boot of the machine its layer was made until
then, and after another boot `recover` removes such a layer, for nobody knows what is left of it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from wherry.base import faults
from wherry.base.errors import NotFoundError
from wherry.base.trees import remove_tree
from wherry.linux.boot import boot_id
from wherry.linux.syncfs import sync_file_system
from wherry.oci.digest import Digest, encoded_of
from wherry.oci.reading import read
from wherry.store import trash
from wherry.store.errors import CorruptContentError, full_disk_named
from wherry.store.layers import compression, diff
from wherry.store.layers.compression import Hashed, Readable, Writable
from wherry.store.layers.diff import Change
from wherry.store.layers.seal import SealedLayer, is_empty, seal
from wherry.store.layers.settle import settle
from wherry.store.layers.unpack import Pending, unpack
from wherry.store.layers.view import LayerView
from wherry.store.layout import PARTIAL, Layout
from wherry.store.metadata.database import Database

Progress = Callable[[int], None]


class LayerMissingError(NotFoundError):
    """No layer has this diff ID here."""

    def __init__(self, diff_id: Digest) -> None:
        super().__init__(f"layer {diff_id}: not found")


class Layer(msgspec.Struct, frozen=True):
    """A layer that is here; `size` is of the files in it, in bytes."""

    diff_id: Digest
    size: int


class _PendingRow(msgspec.Struct):
    implicit: list[bytes] = []
    links: list[tuple[bytes, bytes]] = []


class LayerStore:
    """Unpacked layers; may be used by any thread."""

    def __init__(self, layout: Layout, database: Database, *, sync: bool = True) -> None:
        self._sync = sync
        self._layout = layout
        self._database = database
        self._guard = threading.Lock()
        self._locks: dict[Digest, threading.RLock] = {}
        self._boot = boot_id()

    def has(self, diff_id: Digest) -> bool:
        """Tell whether the layer is here, unpacked."""
        return self._row(diff_id) is not None

    def get(self, diff_id: Digest) -> Layer:
        """Return a layer; raises LayerMissingError."""
        row = self._row(diff_id)
        if row is None:
            raise LayerMissingError(diff_id)
        return Layer(diff_id, row[0])

    def _row(self, diff_id: Digest) -> tuple[int, str] | None:
        row = self._database.row("SELECT size, pending FROM layers WHERE diff_id = ?", (diff_id,))
        return (row[0], row[1]) if row else None

    def path(self, diff_id: Digest) -> str:
        """Return the directory of a layer, whether or not it is there."""
        return self._layout.layer(diff_id)

    def all(self) -> list[Layer]:
        """Return every layer that is here."""
        return [Layer(*row) for row in self._database.rows("SELECT diff_id, size FROM layers")]

    def view(self, diff_ids: Sequence[Digest], upper: str | None = None) -> LayerView:
        """Look through layers, given lowest first, with a writable directory on top of them."""
        lowers = [self.path(diff_id) for diff_id in reversed(diff_ids)]
        return LayerView([upper, *lowers] if upper else lowers)

    def unpack(
        self,
        stream: Readable,
        media_type: str,  # noqa: ARG002 - part of the contract; the bytes themselves decide
        diff_id: Digest,
        progress: Progress | None = None,
    ) -> Layer:
        """Unpack a layer as it streams in: plain, gzip or zstd, whatever its media type says.

        `progress` is told how many of the stream's bytes have been read. Raises
        CorruptContentError when it is not `diff_id` in the end, DiskFullError, HostileArchiveError;
        nothing is left of it then. A layer that is here already is not read.
        """
        with self._locked(diff_id):
            row = self._row(diff_id)
            if row is not None:
                return Layer(diff_id, row[0])
            return self._unpack(compression.Counted(stream, progress), diff_id)

    def _unpack(self, stream: Readable, diff_id: Digest) -> Layer:
        partial = self._layout.partial_layer(diff_id, os.urandom(6).hex())
        try:
            with full_disk_named(self._layout.layers):
                os.mkdir(partial, 0o755)
                os.chmod(partial, 0o755)
                hashed = Hashed(compression.decompressed(stream))
                unpacked = unpack(compression.buffered(hashed), partial)
                # What follows the end of the archive belongs to its digest all the same.
                hashed.drain()
            _require_digest(hashed.digest(), diff_id)
            faults.point("layers.unpacked")
            trash.remove(self._layout, self.path(diff_id))  # an orphan: it has no row
            os.rename(partial, self.path(diff_id))
        except BaseException:
            with contextlib.suppress(OSError):
                remove_tree(partial)
            raise
        faults.point("layers.renamed")
        self._write(diff_id, unpacked.size, unpacked.pending)
        return Layer(diff_id, unpacked.size)

    def is_empty(self, upper: str) -> bool:
        """Tell whether a writable directory has nothing that a layer would have."""
        return is_empty(upper)

    def seal(self, upper: str, *, clamp_ns: int | None = None) -> SealedLayer:
        """Make a writable directory fit to be a layer and compute its digest; takes its time.

        Nobody may write to it any more; it may be a lower directory of a mount. What overlayfs
        noted in it goes, sockets too, and times later than `clamp_ns` become that. Raises
        CorruptContentError when overlayfs left the content of a file elsewhere.
        """
        with full_disk_named(upper):
            return seal(upper, clamp_ns)

    def adopt(self, upper: str, sealed: SealedLayer) -> Layer:
        """Give a sealed directory its name as a layer; at once, for it is a rename.

        A layer that is here already is returned instead, and the directory stays where it is: the
        caller discards it. So it does after a failure. What is mounted stays mounted, but nobody
        may be about to mount it by its old path: the caller sees to that. Hold the diff ID by a
        lease first.
        """
        assert not sealed.empty, "a layer without anything in it"
        diff_id, target = sealed.diff_id, self.path(sealed.diff_id)
        with self._locked(diff_id):
            row = self._row(diff_id)
            if row is not None:
                return Layer(diff_id, row[0])
            orphan = trash.discard(self._layout, target)  # it has no row
            os.rename(upper, target)
            try:
                faults.point("layers.adopted")
                self._write(diff_id, sealed.size, Pending())
            except BaseException:
                os.rename(target, upper)
                raise
        trash.empty(orphan)
        return Layer(diff_id, sealed.size)

    def regenerate(self, diff_id: Digest, sink: Writable) -> None:
        """Write the plain archive of a layer; whether it has the digest is for the sink to see.

        Of a layer that was unpacked it is not the archive that came, unless `seal` made that.
        """
        diff.write_archive(self.path(diff_id), sink)

    def _write(self, diff_id: Digest, size: int, pending: Pending) -> None:
        row = msgspec.json.encode(_PendingRow(pending.implicit, pending.links)).decode()
        made = f"{self._boot} {os.urandom(6).hex()}"
        with self._database.transaction(durable=False) as writer:
            writer.execute(
                "INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?)", (diff_id, size, row, made)
            )

    def settle(self, diff_ids: Sequence[Digest]) -> None:
        """Fit each of an image's layers, lowest first, onto those below it; raises when missing."""
        for index, diff_id in enumerate(diff_ids):
            with self._locked(diff_id):
                row = self._row(diff_id)
                if row is None:
                    raise LayerMissingError(diff_id)
                told = read(row[1], _PendingRow)
                if not told.implicit and not told.links:
                    continue
                pending = Pending(told.implicit, told.links)
                with full_disk_named(self._layout.layers):
                    settle(self.path(diff_id), pending, self.view(diff_ids[:index]))
                self._write(diff_id, row[0], Pending())

    def sync(self) -> None:
        """Force what is in all layers to the disk, in one go."""
        if not self._sync:
            return
        # What is made from here on is for the next time.
        made = self._database.rows("SELECT diff_id, made FROM layers WHERE made <> ''")
        with full_disk_named(self._layout.layers):
            sync_file_system(self._layout.layers)
        if made:
            with self._database.transaction(durable=False) as writer:
                writer.executemany(
                    "UPDATE layers SET made = '' WHERE diff_id = ? AND made = ?", made
                )

    def diff(self, upper: str) -> LayerArchive:
        """Write the archive of a writable directory to an unnamed file; close what is returned."""
        with full_disk_named(self._layout.root):
            # Beside the partial blobs, for it can be as large as the container.
            file = tempfile.TemporaryFile(dir=self._layout.partials)  # noqa: SIM115
            try:
                sink = compression.HashingSink(file)
                diff.write_archive(upper, sink)
                file.seek(0)
            except BaseException:
                file.close()
                raise
        return LayerArchive(sink.digest(), sink.count, file)

    def changes(self, upper: str, diff_ids: Sequence[Digest]) -> list[Change]:
        """List what a writable directory changes in the layers below it, as `docker diff` does."""
        return diff.changes(upper, self.view(diff_ids))

    def forget(self, diff_id: Digest) -> str | None:
        """Take a layer out of the store; `trash.empty` removes what is returned."""
        # Not under the layer's lock: who unpacks holds that while it waits for the writer.
        with self._database.transaction(durable=False) as writer:
            writer.execute("DELETE FROM layers WHERE diff_id = ?", (diff_id,))
            return trash.discard(self._layout, self.path(diff_id))

    def remove(self, diff_id: Digest) -> None:
        """Remove a layer that nothing uses."""
        trash.empty(self.forget(diff_id))

    def recover(self) -> None:
        """Remove directories without a row, rows without a directory, and what may be torn."""
        for diff_id, made in self._database.rows("SELECT diff_id, made FROM layers"):
            if made and made.split(" ")[0] != self._boot:
                self.remove(diff_id)
        known = {encoded_of(layer.diff_id): layer.diff_id for layer in self.all()}
        names = set(os.listdir(self._layout.layers))
        for name in names - known.keys() - {os.path.basename(self._layout.empty_layer)}:
            assert name.endswith(PARTIAL) or len(name) >= 64, f"not a layer of ours: {name}"
            trash.remove(self._layout, f"{self._layout.layers}/{name}")
        for name in known.keys() - names:
            self.remove(known[name])

    @contextlib.contextmanager
    def _locked(self, diff_id: Digest) -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(diff_id, threading.RLock())
        with lock:
            yield


def _require_digest(found: Digest, expected: Digest) -> None:
    if found != expected:
        raise CorruptContentError(
            f"layer does not match its diff ID: expected {expected}, got {found}"
        )


class LayerArchive(msgspec.Struct):
    """The plain archive of a layer, to be read from `file`; its digest is the diff ID."""

    diff_id: Digest
    size: int
    file: BinaryIO

    def __enter__(self) -> LayerArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
