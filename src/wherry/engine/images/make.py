"""Making an image here: a layer out of an archive, a configuration on top. Blocking.

Commit, import and pack differ in where the archive comes from and in what the configuration says.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import BinaryIO, Final

import msgspec

from wherry.engine.images.lease import Lease
from wherry.oci.digest import Digest, digest_bytes
from wherry.oci.image import (
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    Descriptor,
    HistoryEntry,
    ImageConfig,
    ImageRunConfig,
    RootFs,
)
from wherry.oci.platform import host_platform
from wherry.store.images import Image, ImageLayer
from wherry.store.layers.compression import Hashed, compression_of, decompressed
from wherry.store.store import Store
from wherry.wire.times import rfc3339_nano

_CHUNK: Final = 1 << 20
_MAGIC_BYTES: Final = 4
_MEDIA_TYPES: Final = {"": OCI_LAYER, "gzip": OCI_LAYER_GZIP, "zstd": OCI_LAYER_ZSTD}
# An archive without entries: two blocks of zeros, or a whole record of them.
_EMPTY: Final = frozenset({digest_bytes(bytes(1024)), digest_bytes(bytes(10240))})


def add_layer(store: Store, held: Lease, file: BinaryIO) -> ImageLayer | None:
    """Store an archive, of which nothing is known yet, as blob and layer; None for an empty one."""
    digest, size, kind = _hashed(file)
    file.seek(0)
    plain = Hashed(decompressed(file))
    plain.drain()
    diff_id = plain.digest()
    if diff_id in _EMPTY:
        return None
    held.hold(digest, diff_id)
    if not store.content.has(digest):
        file.seek(0)
        with store.content.writer(size=size) as writer:
            while chunk := file.read(_CHUNK):
                writer.write(chunk)
            writer.commit()
    file.seek(0)
    store.layers.unpack(file, _MEDIA_TYPES[kind], diff_id)
    return ImageLayer(Descriptor(_MEDIA_TYPES[kind], digest, size), diff_id)


def _hashed(file: BinaryIO) -> tuple[Digest, int, str]:
    """Return digest, size and compression of what a file has."""
    file.seek(0)
    kind = compression_of(file.read(_MAGIC_BYTES))
    file.seek(0)
    told = hashlib.sha256()
    size = 0
    while chunk := file.read(_CHUNK):
        told.update(chunk)
        size += len(chunk)
    return Digest(f"sha256:{told.hexdigest()}"), size, kind


def put_image(
    store: Store,
    held: Lease,
    base: Image | None,
    layer: ImageLayer | None,
    run: ImageRunConfig,
    step: HistoryEntry,
) -> Image:
    """Store an image: another one, or nothing, with one more layer and step."""
    platform = host_platform()
    config = base.config if base else ImageConfig(platform.architecture, platform.os)
    layers = [*(base.layers if base else ()), *([layer] if layer else ())]
    described = msgspec.structs.replace(
        config,
        created=step.created,
        author=step.author,
        config=run,
        rootfs=RootFs([one.diff_id for one in layers]),
        history=[*(config.history or ()), step],
    )
    data = msgspec.json.encode(described)
    held.hold(digest_bytes(data), *(one.diff_id for one in layers))
    held.hold(*(one.descriptor.digest for one in layers))
    return store.images.put(data, layers, parent=base.id if base else None)


def step(created_by: str, comment: str, author: str, *, empty: bool) -> HistoryEntry:
    """Return the entry of the history for what is made now."""
    now = rfc3339_nano(time.time_ns())
    return HistoryEntry(now, created_by, author, comment, empty_layer=empty)


def words(command: Sequence[str]) -> str:
    """Return a command as a history shows it."""
    return " ".join(command)
