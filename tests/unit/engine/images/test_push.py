"""Pushing: what is sent, and what a cancelled push leaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.images import FakeRegistry, add_image, archive, leases
from fixtures.layers import adopted, image_of
from wherry.base.errors import NotFoundError
from wherry.engine.events import Events
from wherry.engine.images import push as module
from wherry.engine.images.push import PushImage
from wherry.engine.images.transfer import TransferStep
from wherry.oci.digest import digest_bytes
from wherry.oci.reference import parse_reference
from wherry.store.blobs import LayerChangedError
from wherry.store.store import Store

DATA = archive({"f": b"x" * 50_000})
OTHER = archive({"g": b"y" * 50_000})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(str(tmp_path), sync=False)
    yield opened
    opened.close()


async def push(store: Store, registry: FakeRegistry, text: str) -> list[TransferStep]:
    told: list[TransferStep] = []
    verb = PushImage(store, registry.client(), Events())
    await verb(text, credentials=None, progress=told.append)
    return told


async def test_an_image_is_pushed_compressed_and_the_second_time_not_at_all(store: Store) -> None:
    add_image(store, "r.test/i:1", DATA, OTHER, DATA)
    registry = FakeRegistry()
    await push(store, registry, "r.test/i:1")
    manifest = json.loads(registry.manifests["1"])
    sent = [layer["digest"] for layer in manifest["layers"]]
    assert sent[0] == sent[2] != sent[1]
    assert registry.pushed == [*dict.fromkeys(registry.pushed)]
    assert sum(layer["size"] for layer in manifest["layers"]) < 5000
    told = await push(store, registry, "r.test/i:1")
    assert any(step.status == "Layer already exists" for step in told)
    assert json.loads(registry.manifests["1"]) == manifest
    assert len(registry.pushed) == 3
    assert leases(store) == []
    store.collect()
    assert all(store.content.has(digest) for digest in sent)


async def test_layers_that_a_build_made_are_compressed_once(store: Store) -> None:
    """Their plain archives are nowhere: they are made of the layers' directories."""
    low, high = adopted(store, {"f": b"x" * 50_000}), adopted(store, {"g": b"y"})
    image = image_of(store, low, high)
    store.images.tag(parse_reference("r.test/i:1"), image.id)
    registry = FakeRegistry()
    await push(store, registry, "r.test/i:1")
    sent = [layer["digest"] for layer in json.loads(registry.manifests["1"])["layers"]]
    assert [one.descriptor.digest for one in store.images.get(image.id).layers] == sent
    for digest, layer in zip(sent, (low, high), strict=True):
        assert digest_bytes(gzip.decompress(store.content.read(digest))) == layer.diff_id
    store.collect()
    await push(store, registry, "r.test/i:1")
    assert len(registry.pushed) == 3
    assert leases(store) == []


async def test_a_layer_that_is_not_what_it_was_is_not_pushed(store: Store) -> None:
    sealed = adopted(store, {"f": b"x"})
    image = image_of(store, sealed)
    store.images.tag(parse_reference("r.test/i:1"), image.id)
    (Path(store.layers.path(sealed.diff_id)) / "f").write_bytes(b"y")
    registry = FakeRegistry()
    with pytest.raises(LayerChangedError):
        await push(store, registry, "r.test/i:1")
    assert registry.pushed == []
    assert [blob.digest for blob in store.content.walk()] == [image.id]
    assert leases(store) == []


async def test_all_tags_of_a_repository_or_the_one(store: Store) -> None:
    for tag in ("1", "2"):
        add_image(store, f"r.test/i:{tag}", DATA)
    registry = FakeRegistry()
    await push(store, registry, "r.test/i:2")
    assert set(registry.manifests) == {"2"}
    await push(store, registry, "r.test/i")
    assert set(registry.manifests) == {"1", "2"}
    with pytest.raises(NotFoundError, match=r"does not exist locally with the tag: r\.test/i:3"):
        await push(store, registry, "r.test/i:3")


async def test_a_push_cancelled_while_it_compresses_holds_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_image(store, "r.test/i:1", DATA)
    going, go = threading.Event(), threading.Event()
    compress = module.compress

    def slow(*args: Any) -> Any:
        going.set()
        go.wait(10)
        return compress(*args)

    monkeypatch.setattr(module, "compress", slow)
    pushing = asyncio.ensure_future(push(store, FakeRegistry(), "r.test/i:1"))
    await asyncio.to_thread(going.wait, 10)
    pushing.cancel()
    await asyncio.sleep(0.01)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await pushing
    assert leases(store) == []
    assert os.listdir(store.layout.partials) == []
    store.collect()
    assert len(list(store.content.walk())) == 2


async def test_a_cancelled_upload_ends_the_others(store: Store) -> None:
    add_image(store, "r.test/i:1", DATA, OTHER)
    registry, begun = FakeRegistry(), asyncio.Event()

    async def before(_: str) -> None:
        begun.set()
        await asyncio.sleep(60)

    registry.before = before
    pushing = asyncio.ensure_future(push(store, registry, "r.test/i:1"))
    await begun.wait()
    pushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pushing
    assert registry.pushed == []
    assert leases(store) == []
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_a_push_to_the_own_registry_compresses_nothing(store: Store) -> None:
    sealed = adopted(store, {"f": b"x" * 50_000})
    image = image_of(store, sealed)
    store.images.tag(parse_reference("localhost:5001/i:1"), image.id)
    before = {blob.digest for blob in store.content.walk()}
    registry = FakeRegistry(pushed=[image.id, sealed.diff_id])
    verb = PushImage(store, registry.client(), Events(), lambda one: one.domain == "localhost:5001")
    await verb("localhost:5001/i:1", credentials=None, progress=lambda _: None)
    (layer,) = json.loads(registry.manifests["1"])["layers"]
    assert layer["digest"] == sealed.diff_id
    assert len(registry.pushed) == 2
    assert {blob.digest for blob in store.content.walk()} == before
    assert store.images.get(image.id).manifest is None
    names = [one.familiar for one in store.images.references(image.id)]
    digest = digest_bytes(registry.manifests["1"])
    assert names == ["localhost:5001/i:1", f"localhost:5001/i@{digest}"]
