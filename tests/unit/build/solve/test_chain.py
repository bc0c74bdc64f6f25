"""Layers that get their names while others stand on them."""

from __future__ import annotations

import asyncio

import pytest

from wherry.build.solve.chain import Chain, Layer, lowers, pinned
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.store.images import ImageLayer


def image(name: str) -> ImageLayer:
    digest = Digest(f"sha256:{name * 64}")
    return ImageLayer(Descriptor("tar", digest, 1), digest)


async def test_a_pinned_layer_is_not_renamed() -> None:
    layer = Layer("/old")
    async with pinned([layer]):
        moving = asyncio.ensure_future(layer.move(lambda: "/new"))
        await asyncio.sleep(0.01)
        assert (layer.path, moving.done()) == ("/old", False)
    await moving
    assert layer.path == "/new"


async def test_release_lets_it_be_renamed_before_the_end() -> None:
    layer = Layer("/old")
    async with pinned([layer]) as release:
        release()
        release()
        await layer.move(lambda: "/new")
        assert layer.path == "/new"


async def test_who_comes_while_it_is_renamed_sees_the_new_path() -> None:
    layer = Layer("/old")
    moving = asyncio.ensure_future(layer.move(lambda: "/new"))
    await asyncio.sleep(0)
    async with pinned([layer]):
        assert lowers([layer]) == ["/new"]
    await moving


async def test_the_identity_waits_for_every_digest() -> None:
    first, second = Layer("/a", image("a")), Layer("/b")
    chain = Chain().on_top(first).on_top(None).on_top(second)
    assert not chain.has_settled
    asking = asyncio.ensure_future(chain.identity())
    await asyncio.sleep(0)
    assert not asking.done()
    second.settle(image("b"))
    assert await asking == await Chain((first, Layer("/c", image("b")))).identity()
    assert chain.has_settled


async def test_a_failure_reaches_who_waits() -> None:
    layer = Layer("/a")
    asking = asyncio.ensure_future(Chain((layer,)).settled())
    await asyncio.sleep(0)
    layer.fail(OSError("no room"))
    with pytest.raises(OSError, match="no room"):
        await asking


@pytest.mark.parametrize("count", [0, 3])
async def test_lowers_are_the_topmost_first(count: int) -> None:
    layers = [Layer(f"/{number}") for number in range(count)]
    assert lowers(layers) == [f"/{number}" for number in reversed(range(count))]
