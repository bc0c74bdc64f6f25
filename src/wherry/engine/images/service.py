"""The verbs of images as one group: each method is one call of the module that does it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from wherry.base.crossing import in_thread
from wherry.base.feed import fed
from wherry.engine.containers.stop import StopContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.images import views
from wherry.engine.images.commit import (
    CommitContainer,
    CommitRequest,
    ImportImage,
    ImportRequest,
)
from wherry.engine.images.crossing import streamed
from wherry.engine.images.make import target_of
from wherry.engine.images.packing import PackImage
from wherry.engine.images.remove import Removal, RemoveImage
from wherry.engine.images.views import HistoryView, ImageView, Loaded, Selection
from wherry.engine.settings import TransferSettings
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.store.images import Image, ImageNotFoundError
from wherry.store.store import Store
from wherry.wire.container_config import Config
from wherry.wire.requests import AuthConfig

if TYPE_CHECKING:
    from wherry.engine.images.pull import PullImage
    from wherry.engine.images.push import PushImage
    from wherry.engine.images.remote import Remote
    from wherry.engine.images.search import InspectRemote, SearchImages


class Images:
    """What the API asks of images, and what others of the engine ask of them."""

    def __init__(
        self,
        store: Store,
        events: Events,
        table: ContainerTable,
        stop: StopContainer,
        transfers: TransferSettings,
        *,
        is_own: Callable[[Reference], bool] = lambda _: False,
    ) -> None:
        """`is_own` tells whether a reference names the registry that this engine serves."""
        self._store = store
        self._events = events
        self._table = table
        self._transfers = transfers
        self._is_own = is_own
        self._made_remote: Remote | None = None
        self.pack = PackImage(store, events)
        self.remove = RemoveImage(store, table, events)
        self._commit = CommitContainer(store, table, events, stop)
        self._import = ImportImage(store, events)

    @property
    def _remote(self) -> Remote:
        if self._made_remote is None:
            from wherry.engine.images.remote import Remote  # noqa: PLC0415 - see the module

            self._made_remote = Remote(self._store, self._events, self._transfers, self._is_own)
        return self._made_remote

    @property
    def pull(self) -> PullImage:
        """Pulls."""
        return self._remote.pull

    @property
    def push(self) -> PushImage:
        """Pushes."""
        return self._remote.push

    @property
    def search(self) -> SearchImages:
        """Searches registries."""
        return self._remote.search

    @property
    def inspect_remote(self) -> InspectRemote:
        """Looks at images in registries."""
        return self._remote.inspect

    def reconfigure(self, transfers: TransferSettings) -> None:
        """Take up new settings for what begins from now on.

        Raises InvalidError for registries and mirrors that are none, and nothing has changed then.
        """
        self._remote.reconfigure(transfers)
        self._transfers = transfers

    async def close(self) -> None:
        """Close connections to registries."""
        if self._made_remote is not None:
            await self._made_remote.close()

    async def check_credentials(self, credentials: AuthConfig) -> str:
        """Check credentials with their registry; returns an identity token, or nothing."""
        return await self._remote.login(credentials)

    async def list(
        self, *, all_: bool, filters: Mapping[str, Sequence[str]]
    ) -> Sequence[ImageView]:
        """Return the images that pass the filters, the newest first; all of them with `all_`."""
        return await in_thread(self._list, all_, filters)

    def _list(self, all_: bool, filters: Mapping[str, Sequence[str]]) -> Sequence[ImageView]:
        selection = Selection(filters, self._store.images.resolve)
        names = self._store.images.all_references()
        images = self._store.images.list()
        parents = {image.parent for image in images}
        found = []
        for image in images:
            references = names.get(image.id, [])
            # A step on the way to another image, which has no name of its own.
            between = image.id in parents and not references
            if (between and not all_) or not selection.passes(image, references):
                continue
            chosen = selection.names(references)
            if chosen or not selection.by_name:
                found.append(views.view(image, chosen))
        found.sort(key=lambda shown: shown.config.created or "", reverse=True)
        return found

    async def inspect(self, name: str) -> ImageView:
        """Return one image."""
        return await in_thread(self._inspect, name)

    def _inspect(self, name: str) -> ImageView:
        image = self._store.images.resolve(name)
        paths = [self._store.layers.path(diff_id) for diff_id in reversed(image.diff_ids)]
        graph = {"UpperDir": paths[0], "LowerDir": ":".join(paths[1:])} if paths else {}
        shown = views.view(image, self._store.images.references(image.id))
        return dataclasses.replace(shown, graph_data={k: v for k, v in graph.items() if v})

    async def history(self, name: str) -> Sequence[HistoryView]:
        """Return the steps of an image, the newest first."""
        return await in_thread(self._history, name)

    def _history(self, name: str) -> Sequence[HistoryView]:
        image = self._store.images.resolve(name)
        sizes = [self._store.layers.get(diff_id).size for diff_id in image.diff_ids]
        tags = [r.familiar for r in self._store.images.references(image.id) if r.tag]
        return views.history(image, tags, sizes)

    async def tag(self, source: str, target: str) -> None:
        """Give an image one more name; another image may lose it."""
        reference = target_of(target)
        image = await in_thread(self._store.images.resolve, source)
        await in_thread(self._store.images.tag, reference, image.id)
        self._events.emit("image", "tag", image.id, {"name": reference.familiar})

    async def prune(self, filters: Mapping[str, Sequence[str]]) -> tuple[Sequence[Removal], int]:
        """Remove what nothing uses."""
        return await self.remove.prune(filters)

    async def save(self, names: Sequence[str]) -> AsyncIterator[bytes]:
        """Return an archive of images; raises before the first byte when one does not exist."""
        for name in names:
            image = await in_thread(self._store.images.resolve, name)
            self._events.emit("image", "save", image.id, {"name": name})
        return streamed(lambda sink: self._store.archives.save(names, sink))

    async def load(self, chunks: AsyncIterator[bytes]) -> Sequence[Loaded]:
        """Load the images of an archive."""
        loaded = await fed(chunks, self._store.archives.load)
        found = []
        for one in loaded:
            name = one.reference.familiar if one.reference else None
            self._events.emit("image", "load", one.image_id, {"name": name or one.image_id})
            found.append(Loaded(name, one.image_id))
        return found

    async def import_image(
        self,
        chunks: AsyncIterator[bytes],
        *,
        repository: str,
        tag: str,
        message: str,
        changes: Sequence[str],
        platform: str | None,
    ) -> str:
        """Make an image of an archive of files."""
        wanted = ImportRequest(repository, tag, message, changes, platform)
        return await self._import(chunks, wanted)

    async def commit(
        self,
        container: str,
        *,
        repository: str,
        tag: str,
        comment: str,
        author: str,
        pause: bool,
        changes: Sequence[str],
        config: Config,
    ) -> str:
        """Make an image of a container."""
        return await self._commit(
            CommitRequest(container, repository, tag, comment, author, pause, changes, config)
        )

    def size_of(self, image_id: Digest) -> int:
        """Return the bytes of an image, 0 for one that has gone."""
        try:
            return self._store.images.get(image_id).size
        except ImageNotFoundError:
            return 0

    def descendants(self, text: str) -> set[str]:
        """Return the ids of an image and of all that were made from it."""
        image = self._store.images.resolve(text)
        base = image.diff_ids
        return {
            str(other.id)
            for other in self._store.images.list()
            if other.id == image.id or (base and _made_from(other, base))
        }


def _made_from(image: Image, base: Collection[Digest]) -> bool:
    return len(image.diff_ids) > len(base) and image.diff_ids[: len(base)] == list(base)
