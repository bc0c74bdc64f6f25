"""Making an image here: a layer out of an archive, a configuration on top. Blocking.

Commit, import and pack differ in where the archive comes from and in what the configuration says.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import BinaryIO, Final

import msgspec

from wherry.base.errors import InvalidError
from wherry.oci.digest import digest_bytes
from wherry.oci.image import Descriptor, HistoryEntry, ImageConfig, ImageRunConfig, RootFs
from wherry.oci.platform import host_platform
from wherry.oci.reference import Reference, parse_reference
from wherry.store.images import Image, ImageLayer
from wherry.store.layers.compression import (
    MAGIC_BYTES,
    Copied,
    Hashed,
    decompressed,
    media_type_of,
)
from wherry.store.lease import Lease
from wherry.store.store import Store
from wherry.wire.times import rfc3339_nano

# An archive without entries: two blocks of zeros, or a whole record of them.
_EMPTY: Final = frozenset({digest_bytes(bytes(1024)), digest_bytes(bytes(10240))})


def add_layer(store: Store, held: Lease, file: BinaryIO) -> ImageLayer | None:
    """Store an archive, of which nothing is known yet, as blob and layer; None for an empty one."""
    file.seek(0)
    with store.content.writer() as writer:
        sent = Copied(file, writer)
        plain = Hashed(decompressed(sent))
        plain.drain()
        # What follows the end of the archive belongs to the blob all the same.
        sent.drain()
        diff_id, digest, size = plain.digest(), writer.digest, writer.offset
        if diff_id in _EMPTY:
            return None
        held.hold(digest, diff_id)
        if not store.content.has(digest):
            writer.commit()
    file.seek(0)
    kind = media_type_of(file.read(MAGIC_BYTES))
    file.seek(0)
    store.layers.unpack(file, kind, diff_id)
    return ImageLayer(Descriptor(kind, digest, size), diff_id)


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


def target_of(text: str, tag: str = "") -> Reference:
    """Return the name that an image is to get; raises InvalidError for one with a digest."""
    reference = parse_reference(text)
    if reference.digest:
        raise InvalidError("refusing to create a tag with a digest reference")
    return reference.with_tag(tag) if tag else reference.with_default_tag()


def with_changes(run: ImageRunConfig, changes: Sequence[str]) -> ImageRunConfig:
    """Return a configuration with the instructions of `--change`; raises InvalidError."""
    if not changes:
        return run
    # The language of Dockerfiles is loaded by the first who needs it.
    from wherry.engine.images.changes import apply  # noqa: PLC0415

    return apply(run, changes)


def step(created_by: str, comment: str, author: str, *, empty: bool) -> HistoryEntry:
    """Return the entry of the history for what is made now."""
    now = rfc3339_nano(time.time_ns())
    return HistoryEntry(now, created_by, author, comment, empty_layer=empty)


def words(command: Sequence[str]) -> str:
    """Return a command as a history shows it."""
    return " ".join(command)
