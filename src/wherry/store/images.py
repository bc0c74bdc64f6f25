"""Images: an id, which is the digest of the configuration, and the names that lead to it.

The row of an image names its blobs and layers; the bytes are in the content store and the layer
store. A name is a canonical reference with a tag, or with a digest where a registry gave one. An
image without a tag is dangling. Deleting an image leaves its blobs and layers to collection.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from wherry.base.errors import InvalidError, NotFoundError
from wherry.base.values import dataclass
from wherry.oci.digest import Digest, digest_bytes, encoded_of
from wherry.oci.image import Descriptor, ImageConfig
from wherry.oci.reading import read
from wherry.oci.reference import InvalidReferenceError, Reference, parse_reference
from wherry.store.content.store import ContentStore
from wherry.store.layers.store import LayerStore
from wherry.store.metadata.database import Database

# The class below has a method `list`, as the store of every kind of object has.
References = list[Reference]
Digests = list[Digest]

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})")
_FULL_ID_DIGITS = 64


class ImageNotFoundError(NotFoundError):
    """Docker's words, which docker-py looks for."""

    def __init__(self, text: str) -> None:
        super().__init__(f"No such image: {text}")


class AmbiguousImageError(InvalidError):
    """Several images have ids that begin like this."""

    def __init__(self, text: str) -> None:
        super().__init__(f"image ID {text} is ambiguous: several images begin with it")


class ImageLayer(msgspec.Struct, frozen=True):
    """A layer of an image: the blob as a registry has it, and the digest of its plain tar.

    A blob that is the plain tar itself need not be stored (`store.blobs`).
    """

    descriptor: Descriptor
    diff_id: Digest


class _Row(msgspec.Struct, frozen=True, omit_defaults=True):
    layers: list[ImageLayer]
    manifest: Descriptor | None = None
    parent: Digest | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is here; `layers` lowest first, `size` of all files in them, in bytes.

    `manifest` describes what a registry or an archive gave; None for an image made here.
    `stored_at` is in nanoseconds.
    """

    id: Digest
    config: ImageConfig
    config_bytes: bytes
    layers: tuple[ImageLayer, ...]
    size: int
    stored_at: int
    manifest: Descriptor | None = None
    parent: Digest | None = None

    @property
    def diff_ids(self) -> list[Digest]:
        """The layers by the digest of their plain tar, lowest first."""
        return [layer.diff_id for layer in self.layers]


class ImageStore:
    """Images and their names; may be used by any thread."""

    def __init__(self, database: Database, content: ContentStore, layers: LayerStore) -> None:
        self._database = database
        self._content = content
        self._layers = layers
        self._known: dict[Digest, Image] = {}
        self._lock = threading.Lock()

    def create(
        self, config: ImageConfig, layers: Sequence[ImageLayer], parent: Digest | None = None
    ) -> Image:
        """Store an image that was made here; its layers are unpacked and its blobs are stored."""
        return self.put(msgspec.json.encode(config), layers, parent=parent)

    def put(
        self,
        config_bytes: bytes,
        layers: Sequence[ImageLayer],
        manifest: Descriptor | None = None,
        parent: Digest | None = None,
    ) -> Image:
        """Store an image, once its layers are unpacked; an image that is here stays as it is.

        Raises InvalidError when the layers are not those of the configuration.
        """
        image_id = digest_bytes(config_bytes)
        diff_ids = [layer.diff_id for layer in layers]
        if diff_ids != _decode(config_bytes).rootfs.diff_ids:
            raise InvalidError(f"the layers of image {image_id} are not those it is configured for")
        if manifest is None and (known := self._unchanged(image_id, layers)):
            return known
        self._content.put(config_bytes)
        self._layers.settle(diff_ids)
        self._layers.sync()  # the row below is durable, so what it names has to be
        body = msgspec.json.encode(_Row(list(layers), manifest, parent))
        with self._database.transaction() as writer:
            writer.execute(
                "INSERT INTO images VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = "
                "CASE WHEN ? THEN excluded.body ELSE body END",
                (image_id, time.time_ns(), body, manifest is not None),
            )
        with self._lock:
            self._known.pop(image_id, None)
        return self.get(image_id)

    def _unchanged(self, image_id: Digest, layers: Sequence[ImageLayer]) -> Image | None:
        """Return an image that is here with these very layers: it need not be written again."""
        row = self._database.row("SELECT 1 FROM images WHERE id = ?", (image_id,))
        if row is None or not self._content.has(image_id):
            return None
        known = self.get(image_id)
        return known if list(known.layers) == list(layers) else None

    def get(self, image_id: Digest) -> Image:
        """Return an image by its full id; raises ImageNotFoundError."""
        known = self._known.get(image_id)
        if known is not None:
            return known
        row = self._database.row("SELECT created, body FROM images WHERE id = ?", (image_id,))
        if row is None:
            raise ImageNotFoundError(image_id)
        image = self._load(image_id, row[0], row[1])
        with self._lock:
            self._known[image_id] = image
        return image

    def _load(self, image_id: Digest, stored_at: int, body: bytes) -> Image:
        told = read(body, _Row)
        config_bytes = self._content.read(image_id)
        size = sum(self._layers.get(layer.diff_id).size for layer in told.layers)
        return Image(
            image_id, _decode(config_bytes), config_bytes, tuple(told.layers), size, stored_at,
            told.manifest, told.parent,
        )  # fmt: skip

    def set_manifest(self, image_id: Digest, manifest: Descriptor) -> None:
        """Remember the manifest under which a registry has the image now."""
        image = self.get(image_id)
        body = msgspec.json.encode(_Row(list(image.layers), manifest, image.parent))
        with self._database.transaction() as writer:
            writer.execute("UPDATE images SET body = ? WHERE id = ?", (body, image_id))
        with self._lock:
            self._known[image_id] = replace(image, manifest=manifest)

    def list(self) -> list[Image]:
        """Return every image, the latest stored first."""
        rows = self._database.rows("SELECT id FROM images ORDER BY created DESC, id")
        return [self.get(row[0]) for row in rows]

    def resolve(self, text: str) -> Image:
        """Return the image that a user means: a reference, an id, or the beginning of one.

        A name wins over the beginning of an id, as in Docker. Raises ImageNotFoundError,
        AmbiguousImageError.
        """
        digits = _ID.fullmatch(text)
        if digits and len(digits[1]) == _FULL_ID_DIGITS:
            return self._by_full_id(Digest(f"sha256:{digits[1]}"))
        try:
            reference = parse_reference(text).with_default_tag()
        except InvalidReferenceError:
            reference = None
        if reference is not None:
            found = self.lookup(reference)
            if found is not None:
                return self.get(found)
        if digits:
            found = self._by_prefix(digits[1], text)
            if found is not None:
                return self.get(found)
        raise ImageNotFoundError(reference.familiar if reference else text)

    def _by_full_id(self, digest: Digest) -> Image:
        try:
            return self.get(digest)
        except ImageNotFoundError:
            raise ImageNotFoundError(digest) from None

    def _by_prefix(self, digits: str, text: str) -> Digest | None:
        rows = self._database.rows(
            "SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2",
            (f"sha256:{digits}", f"sha256:{digits}g"),
        )
        if len(rows) > 1:
            raise AmbiguousImageError(text)
        return rows[0][0] if rows else None

    def lookup(self, reference: Reference) -> Digest | None:
        """Return the id that a name leads to, None when nobody gave it; a digest decides."""
        row = self._database.row(
            "SELECT image_id FROM names WHERE reference = ?", (_key(reference),)
        )
        return row[0] if row else None

    def tag(self, reference: Reference, image_id: Digest) -> Digest | None:
        """Let a name lead to an image; returns the id of the image that it led to before."""
        self.get(image_id)
        key = _key(reference)
        if self.lookup(reference) == image_id:
            return None
        with self._database.transaction() as writer:
            before = writer.execute(
                "SELECT image_id FROM names WHERE reference = ?", (key,)
            ).fetchone()
            writer.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (key, image_id))
        return before[0] if before and before[0] != image_id else None

    def untag(self, reference: Reference) -> bool:
        """Forget a name; returns whether it was one."""
        with self._database.transaction() as writer:
            done = writer.execute("DELETE FROM names WHERE reference = ?", (_key(reference),))
            return done.rowcount > 0

    def references(self, image_id: Digest) -> References:
        """Return the names of an image in their order: with a tag, or with a digest."""
        rows = self._database.rows(
            "SELECT reference FROM names WHERE image_id = ? ORDER BY reference", (image_id,)
        )
        return [parse_reference(row[0]) for row in rows]

    def all_references(self) -> dict[Digest, References]:
        """Return the names of all images."""
        found: dict[Digest, References] = {}
        rows = self._database.rows("SELECT image_id, reference FROM names ORDER BY reference")
        for image_id, reference in rows:
            found.setdefault(image_id, []).append(parse_reference(reference))
        return found

    def in_repository(self, repository: str) -> dict[Reference, Digest]:
        """Return the names in one repository (`docker.io/library/debian`), with their images."""
        rows = self._database.rows(
            "SELECT reference, image_id FROM names WHERE (reference > ? AND reference < ?)"
            " OR (reference > ? AND reference < ?) ORDER BY reference",
            # What begins with the repository and a colon or an at-sign: these follow the two.
            (f"{repository}:", f"{repository};", f"{repository}@", f"{repository}A"),
        )
        return {parse_reference(row[0]): row[1] for row in rows}

    def with_layer(self, digest: Digest) -> ImageLayer | None:
        """Return the layer whose blob has this digest, if any image names it."""
        layers = (layer for image in self.list() for layer in image.layers)
        return next((layer for layer in layers if layer.descriptor.digest == digest), None)

    def children(self, image_id: Digest) -> Digests:
        """Return the images that were made here from this one."""
        return [image.id for image in self.list() if image.parent == image_id]

    def delete(self, image_id: Digest) -> None:
        """Forget an image and its names; raises ImageNotFoundError. Collection frees the rest."""
        with self._database.transaction() as writer:
            done = writer.execute("DELETE FROM images WHERE id = ?", (image_id,))
            writer.execute("DELETE FROM names WHERE image_id = ?", (image_id,))
        with self._lock:
            self._known.pop(image_id, None)
        if not done.rowcount:
            raise ImageNotFoundError(f"sha256:{encoded_of(image_id)}")


def _key(reference: Reference) -> str:
    if reference.digest:
        return reference.with_digest(reference.digest).canonical
    return reference.with_default_tag().canonical


def _decode(config_bytes: bytes) -> ImageConfig:
    try:
        return read(config_bytes, ImageConfig)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidError(f"invalid image configuration: {error}") from error
