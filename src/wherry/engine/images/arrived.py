"""From a manifest and blobs of elsewhere to an image: what pulls and pushes to this engine share.

Nothing in a manifest or a configuration is trusted: numbers are bounded, and digests are checked
before they become paths. Layers are verified while they are unpacked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final, TypeVar

import msgspec

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError, UnavailableError
from wherry.oci.digest import digest_bytes, parse_digest
from wherry.oci.image import Descriptor, ImageConfig, Manifest
from wherry.oci.reading import read
from wherry.store.images import Image, ImageLayer, ImageNotFoundError
from wherry.store.lease import Lease, lease
from wherry.store.manifests import manifest_of
from wherry.store.store import Store

_MOST_LAYERS: Final = 500
_LARGEST_CONFIG: Final = 8 << 20
Shape = TypeVar("Shape")


def read_manifest(body: bytes) -> Manifest:
    """Read an image's manifest; raises InvalidError for what no image can be."""
    manifest = decoded(body, Manifest, "manifest")
    if len(manifest.layers) > _MOST_LAYERS:
        raise InvalidError(f"invalid manifest: {len(manifest.layers)} layers are too many")
    if not 0 < manifest.config.size <= _LARGEST_CONFIG:
        raise InvalidError(f"invalid manifest: a configuration of {manifest.config.size} bytes")
    _require_digests([manifest.config.digest, *(layer.digest for layer in manifest.layers)])
    if any(layer.size < 0 for layer in manifest.layers):
        raise InvalidError("invalid manifest: a layer of negative size")
    return manifest


def layers_of(manifest: Manifest, config_bytes: bytes) -> list[ImageLayer]:
    """Return the layers that manifest and configuration describe together, lowest first."""
    diff_ids = decoded(config_bytes, ImageConfig, "image configuration").rootfs.diff_ids
    _require_digests(diff_ids)
    if len(diff_ids) != len(manifest.layers):
        raise InvalidError(
            f"invalid image: {len(manifest.layers)} layers in the manifest,"
            f" {len(diff_ids)} in the configuration"
        )
    return [
        ImageLayer(_plain(blob), diff_id)
        for blob, diff_id in zip(manifest.layers, diff_ids, strict=True)
    ]


def is_known(store: Store, layer: ImageLayer) -> bool:
    """Tell whether an image has this very layer already, by its blob and unpacked."""
    known = store.images.with_layer(layer.descriptor.digest)
    return known is not None and known.diff_id == layer.diff_id


def unpack(store: Store, layer: ImageLayer, meter: Callable[[int], None] | None = None) -> None:
    """Unpack a layer whose blob is stored."""
    with store.content.open(layer.descriptor.digest) as source:
        store.layers.unpack(source, layer.descriptor.media_type, layer.diff_id, meter)


def put_arrived(
    store: Store,
    config_bytes: bytes,
    layers: list[ImageLayer],
    described: Descriptor,
    body: bytes,
) -> Image:
    """Store an image with the manifest that it came by, once its layers are unpacked.

    An image that was made here, and comes back with the manifest that was made of it here, stays as
    it is: it can still be compressed for a registry that wants that.
    """
    parent = None
    with contextlib.suppress(ImageNotFoundError):
        known = store.images.get(digest_bytes(config_bytes))
        if manifest_of(known, store.content)[0].digest == described.digest:
            return known
        parent = known.parent
    store.content.put(body)
    return store.images.put(config_bytes, layers, described, parent)


@contextlib.asynccontextmanager
async def arriving(store: Store, purpose: str) -> AsyncIterator[Lease]:
    """Hold what arrives; after a failure that trying again will not mend, throw it away."""
    with lease(store, purpose) as held:
        try:
            yield held
        except (UnavailableError, asyncio.CancelledError):
            raise
        except Exception:
            await in_thread(held.discard)
            raise


def decoded(data: bytes, shape: type[Shape], what: str) -> Shape:
    """Decode JSON; raises InvalidError that says of what."""
    try:
        return read(data, shape)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InvalidError(f"invalid {what}: {error}") from error


def _plain(blob: Descriptor) -> Descriptor:
    """Keep of a descriptor what says what the blob is."""
    return Descriptor(blob.media_type, blob.digest, blob.size)


def _require_digests(texts: Iterable[str]) -> None:
    """Digests become paths: one that is none could lead anywhere on the machine."""
    for text in texts:
        parse_digest(text)
