"""Finds the files that steps read: of contexts, of other stages, of images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable

from wherry.base.crossing import in_thread
from wherry.base.errors import NotFoundError
from wherry.base.values import dataclass
from wherry.build.context.digests import checksum
from wherry.build.context.layers import LayersTree
from wherry.build.context.select import Pick, resolve
from wherry.build.context.tree import Tree
from wherry.build.contexts import Contexts
from wherry.build.graph.actions import FromContext, FromImage, FromScratch, FromStage, Origin
from wherry.build.solve.chain import Chain, Layer, lowers, pinned
from wherry.build.solve.tools import BaseImages
from wherry.oci.image import Platform
from wherry.store.images import Image
from wherry.store.layers.store import LayerStore
from wherry.store.layers.view import LayerView


@dataclass(slots=True)
class Trees:
    """See the module. `stage` waits for a stage's end and returns its layers."""

    contexts: Contexts
    layers: LayerStore
    images: BaseImages
    stage: Callable[[int], Awaitable[Chain]]

    async def chain(self, origin: Origin, platform: Platform | None = None) -> Chain | None:
        """Return the layers of an origin, None for a context."""
        match origin:
            case FromStage(index):
                return await self.stage(index)
            case FromImage(reference):
                return await self._of_image(await self.images.find(reference, platform))
            case FromScratch():
                return Chain()
            case FromContext():
                return None

    async def _of_image(self, image: Image) -> Chain:
        return Chain(tuple(Layer(self.layers.path(one.diff_id), one) for one in image.layers))

    async def tree(self, origin: Origin, held: contextlib.AsyncExitStack) -> Tree:
        """Return the files of an origin, which stay where they are for as long as `held` is."""
        if isinstance(origin, FromContext):
            return await self.contexts.tree(origin.name)
        view, _ = await self.view(origin, held)
        return LayersTree(view)

    async def checksum(self, origin: Origin, source: str, held: contextlib.AsyncExitStack) -> str:
        """Return the digest of a part of a tree, as a bind mount shows it."""
        tree = await self.tree(origin, held)
        return await in_thread(_checksum, tree, source)

    async def view(
        self, origin: Origin, held: contextlib.AsyncExitStack
    ) -> tuple[LayerView, Chain]:
        """Return the merged layers of an origin that is no context."""
        chain = await self.chain(origin)
        assert chain is not None, "a context has no layers"
        await held.enter_async_context(pinned(chain.layers))
        return await in_thread(LayerView, lowers(chain.layers)), chain


def _checksum(tree: Tree, source: str) -> str:
    node = resolve(tree, os.fsencode(source))
    if node is None:
        raise NotFoundError(f'failed to compute cache key: "{source}": not found')
    return checksum([Pick(tree, node, b"")], owners=True)
