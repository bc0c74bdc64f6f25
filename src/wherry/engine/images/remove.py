"""Remove names and images, as `docker rmi` does: names first, the image with its last name.

Words and rules are dockerd's (moby daemon/images/image_delete.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.base.crossing import in_thread
from wherry.base.errors import ConflictError
from wherry.base.values import dataclass
from wherry.engine.containers.record import Container
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.images.views import Selection
from wherry.oci.digest import encoded_of
from wherry.oci.reference import InvalidReferenceError, Reference, parse_reference
from wherry.store.images import Image, ImageNotFoundError
from wherry.store.store import Store

Removal = tuple[str, str]
_UNTAGGED, _DELETED = "Untagged", "Deleted"


@dataclass(slots=True)
class RemoveImage:
    """The verb; see the module."""

    store: Store
    table: ContainerTable
    events: Events

    async def __call__(self, name: str, *, force: bool, prune: bool) -> Sequence[Removal]:
        """Remove a name, or an image by its id; returns what was done."""
        image = await in_thread(self.store.images.resolve, name)
        references = await in_thread(self.store.images.references, image.id)
        meant = _meant(name, references)
        if meant is None:
            self._check_id(image, references, force=force)
            removed = references
        else:
            removed = [meant]
            left = [reference for reference in references if reference != meant]
            if any(reference.tag for reference in left) or (meant.digest and left):
                return await self._untag(image, [meant, *_stranded(meant, left)])
            self._check_name(image, meant, force=force)
            # A name by digest goes with the last tag.
            removed = references
        done = await self._untag(image, removed)
        return [*done, *await self._delete(image, prune=prune)]

    async def _untag(self, image: Image, references: Sequence[Reference]) -> list[Removal]:
        done = []
        for reference in references:
            await in_thread(self.store.images.untag, reference)
            done.append((_UNTAGGED, reference.familiar))
            self.events.emit("image", "untag", image.id, {"name": image.id})
        return done

    async def _delete(self, image: Image, *, prune: bool) -> list[Removal]:
        """Delete an image, and with `prune` its nameless parents that nothing else needs."""
        kept = await in_thread(self._children, image)
        if kept or self._users(image):
            return []
        done: list[Removal] = []
        candidates: set[str] = set()
        following: Image | None = image
        while following is not None:
            gone = following
            candidates |= _resources(gone)
            await in_thread(self.store.images.delete, gone.id)
            done.append((_DELETED, gone.id))
            self.events.emit("image", "delete", gone.id, {"name": gone.id})
            following = await in_thread(self._forgotten_parent, gone) if prune else None
        collected = await in_thread(self.store.collector.collect, candidates)
        return [*done, *((_DELETED, str(layer)) for layer in reversed(collected.layers))]

    def _forgotten_parent(self, image: Image) -> Image | None:
        if image.parent is None:
            return None
        try:
            parent = self.store.images.get(image.parent)
        except ImageNotFoundError:
            return None
        if self.store.images.references(parent.id) or self._children(parent):
            return None
        return None if self._users(parent) else parent

    def _children(self, image: Image) -> bool:
        return bool(self.store.images.children(image.id))

    def _users(self, image: Image) -> list[Container]:
        return [record for record in self.table if record.image_id == image.id]

    def _check_name(self, image: Image, reference: Reference, *, force: bool) -> None:
        """Refuse to take the last name of an image that a container uses, unless forced."""
        users = self._users(image)
        if users and not force:
            state = "running" if users[0].state.running else ""
            using = f"container {users[0].id[:12]} is using its referenced image"
            raise ConflictError(
                f'conflict: unable to remove repository reference "{reference.familiar}" (must'
                f" force) - {using} {encoded_of(image.id)[:12]}{f' ({state})' if state else ''}"
            )

    def _check_id(self, image: Image, references: Sequence[Reference], *, force: bool) -> None:
        short = encoded_of(image.id)[:12]
        if self.store.images.children(image.id):
            raise ConflictError(
                f"conflict: unable to delete {short} (cannot be forced) - image has dependent child"
                " images"
            )
        for record in self._users(image):
            if record.state.running:
                raise ConflictError(
                    f"conflict: unable to delete {short} (cannot be forced) - image is being used"
                    f" by running container {record.id[:12]}"
                )
        if force:
            return
        if len({reference.repository for reference in references}) > 1:
            raise ConflictError(
                f"conflict: unable to delete {short} (must be forced) - image is referenced in"
                " multiple repositories"
            )
        for record in self._users(image):
            raise ConflictError(
                f"conflict: unable to delete {short} (must be forced) - image is being used by"
                f" stopped container {record.id[:12]}"
            )

    async def prune(self, filters: Mapping[str, Sequence[str]]) -> tuple[Sequence[Removal], int]:
        """Remove images that no container uses: nameless ones, or all with dangling=false."""
        selection = Selection(filters, self.store.images.resolve)
        every = selection.dangling is False
        done: list[Removal] = []
        freed = 0
        for image in await in_thread(self.store.images.list):
            references = await in_thread(self.store.images.references, image.id)
            tagged = any(reference.tag for reference in references)
            if (tagged and not every) or self._users(image):
                continue
            if not selection.fits(image):
                continue
            if await in_thread(self._children, image):
                continue
            done += await self._untag(image, references)
            done += await self._delete(image, prune=True)
            freed += image.size
        await in_thread(self.store.collect)
        return done, freed


def _stranded(meant: Reference, left: Sequence[Reference]) -> list[Reference]:
    """Return the names by digest that go with the last tag of their repository, as dockerd's do."""
    own = [reference for reference in left if reference.familiar_name == meant.familiar_name]
    return [] if meant.digest or any(reference.tag for reference in own) else own


def _meant(name: str, references: Sequence[Reference]) -> Reference | None:
    """Return which of an image's names a text is; None when it is its id."""
    try:
        wanted = parse_reference(name).with_default_tag()
    except InvalidReferenceError:
        return None
    if wanted.digest:
        wanted = wanted.with_digest(wanted.digest)
    return wanted if wanted in references else None


def _resources(image: Image) -> set[str]:
    blobs: set[str] = {image.id, *image.diff_ids}
    blobs |= {layer.descriptor.digest for layer in image.layers}
    return blobs | ({image.manifest.digest} if image.manifest else set())
