"""The layers of a stage, some of which have no name yet.

A step's layer is where it was written until its digest is known; then it is renamed to its place in
the store, while later steps may already stand on it. What is mounted or open does not mind, but
between choosing a path and opening it nothing may be renamed: `pinned` sees to that.

Lives on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from wherry.base.crossing import to_the_end
from wherry.base.values import dataclass
from wherry.build.solve.keys import of_layers
from wherry.store.images import ImageLayer


class Layer:
    """One layer. `image` is what an image says of it, once `settled` has been awaited."""

    def __init__(self, path: str, image: ImageLayer | None = None) -> None:
        self.path = path
        self._image: asyncio.Future[ImageLayer] = asyncio.get_running_loop().create_future()
        # Whoever waits is told of a failure; where nobody does, the build has failed already.
        self._image.add_done_callback(lambda done: done.cancelled() or done.exception())
        if image is not None:
            self._image.set_result(image)
        self._pins = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._steady = asyncio.Event()
        self._steady.set()

    @property
    def has_settled(self) -> bool:
        """True once the digest is known."""
        return self._image.done() and not self._image.cancelled()

    async def settled(self) -> ImageLayer:
        """Return the layer as an image names it, when its digest is known."""
        return await asyncio.shield(self._image)

    def settle(self, image: ImageLayer) -> None:
        """Say what the digest is."""
        if not self._image.done():
            self._image.set_result(image)

    def fail(self, error: BaseException) -> None:
        """Say that there will be no digest."""
        if not self._image.done():
            self._image.set_exception(error)

    async def steady(self) -> None:
        """Wait while it is being renamed."""
        await self._steady.wait()

    @property
    def moving(self) -> bool:
        """True while it is being renamed."""
        return not self._steady.is_set()

    def pin(self) -> None:
        """Keep the path as it is."""
        self._pins += 1
        self._idle.clear()

    def unpin(self) -> None:
        """Let it be renamed again."""
        self._pins -= 1
        if not self._pins:
            self._idle.set()

    async def move(self, rename: Callable[[], str]) -> None:
        """Run `rename`, blocking, once nobody needs the path; it returns the new one."""
        while not self._idle.is_set():
            await self._idle.wait()
        self._steady.clear()
        try:
            self.path = await to_the_end(rename)
        finally:
            self._steady.set()


@dataclass(frozen=True, slots=True)
class Chain:
    """The layers of a stage, lowest first."""

    layers: tuple[Layer, ...] = ()

    def on_top(self, layer: Layer | None) -> Chain:
        """Return the chain after a step, which may have changed nothing."""
        return Chain((*self.layers, layer)) if layer else self

    @property
    def has_settled(self) -> bool:
        """True once all digests are known."""
        return all(layer.has_settled for layer in self.layers)

    async def settled(self) -> list[ImageLayer]:
        """Return the layers as an image names them."""
        return [await layer.settled() for layer in self.layers]

    async def identity(self) -> str:
        """Return the name of these layers in keys of the cache."""
        return of_layers([layer.diff_id for layer in await self.settled()])


@contextlib.asynccontextmanager
async def pinned(layers: Iterable[Layer]) -> AsyncIterator[Callable[[], None]]:
    """Keep the paths of layers as they are until the end, or until what is given is called."""
    held = list(layers)
    while moving := [layer for layer in held if layer.moving]:
        await moving[0].steady()
    for layer in held:
        layer.pin()

    def release() -> None:
        while held:
            held.pop().unpin()

    try:
        yield release
    finally:
        release()


def lowers(layers: Sequence[Layer]) -> list[str]:
    """Return the directories of pinned layers, the topmost first."""
    return [layer.path for layer in reversed(layers)]
