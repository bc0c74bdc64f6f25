"""Manifests that are put become images."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from fixtures.images import add_image, archive, leases
from fixtures.layers import adopted, image_of
from fixtures.pushes import config_of, described, manifest_of, push, push_blob
from wherry.engine.registry.backend import EngineBackend
from wherry.engine.registry.manifests import NotAnImageError
from wherry.oci.digest import Digest, digest_bytes
from wherry.oci.image import OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from wherry.oci.reference import parse_reference
from wherry.registry.server.backend import (
    DigestMismatchError,
    ManifestBlobUnknownError,
    ManifestInvalidError,
    RepositoryNameError,
)
from wherry.store.store import Store

ONE, TWO = archive({"one": b"1" * 5000}), archive({"two": b"2" * 5000})


async def put(
    backend: EngineBackend, body: bytes, tag: str = "1", kind: str = OCI_MANIFEST
) -> None:
    await backend.put_manifest("app", tag, kind, body, "")


async def test_a_push_becomes_an_image_with_the_name_of_this_registry(
    backend: EngineBackend, store: Store
) -> None:
    body = await push(backend, "team/app", "1", ONE, TWO)
    image = store.images.resolve("localhost:5001/team/app:1")
    assert image.diff_ids == [digest_bytes(ONE), digest_bytes(TWO)]
    assert (Path(store.layers.path(image.diff_ids[0])) / "one").read_bytes() == b"1" * 5000
    names = [one.familiar for one in store.images.references(image.id)]
    digest = digest_bytes(body)
    assert names == ["localhost:5001/team/app:1", f"localhost:5001/team/app@{digest}"]
    assert (await backend.manifest("team/app", "1")).body == body
    assert (await backend.manifest("team/app", digest)).body == body
    assert leases(store) == []
    assert os.listdir(store.layout.partials) == []
    assert store.collect().blobs == []
    (event,) = backend.take.events._past
    assert (event.action, event.attributes["name"]) == ("tag", "localhost:5001/team/app:1")


async def test_a_push_by_digest_gets_no_tag(backend: EngineBackend, store: Store) -> None:
    layer = gzip.compress(ONE, mtime=0)
    config = config_of([digest_bytes(ONE)])
    for blob in (layer, config):
        await push_blob(backend, "app", blob)
    body = manifest_of(config, [layer])
    await put(backend, body, digest_bytes(body))
    assert await backend.tags("app", "", 10) == []
    assert (await backend.manifest("app", digest_bytes(body))).body == body
    with pytest.raises(DigestMismatchError):
        await put(backend, body, digest_bytes(b"another"))
    with pytest.raises(ManifestInvalidError, match="sha256"):
        await put(backend, body, digest_bytes(body, "sha512"))


async def test_what_is_not_there_is_named(backend: EngineBackend, store: Store) -> None:
    other = add_image(store, "other:1", ONE)
    config = config_of([digest_bytes(ONE)], "new")
    body = manifest_of(config, [ONE])
    with pytest.raises(ManifestBlobUnknownError) as caught:
        await put(backend, body)
    # The engine has the layer, in another repository.
    assert caught.value.missing == (digest_bytes(config), other.diff_ids[0])
    assert leases(store) == []


async def test_programs_of_this_machine_may_use_what_is_here(
    trusted: EngineBackend, store: Store
) -> None:
    other = add_image(store, "", ONE)
    config = config_of([digest_bytes(ONE)], "new")
    await push_blob(trusted, "app", config)
    await put(trusted, manifest_of(config, [ONE]))
    assert store.images.resolve("localhost:5001/app:1").diff_ids == other.diff_ids
    assert leases(store) == []


async def test_an_image_made_here_stays_as_it_was_made(
    trusted: EngineBackend, store: Store
) -> None:
    """A push to the engine's own registry: not a byte, and it can be compressed for others."""
    image = image_of(store, adopted(store, {"f": b"x" * 5000}))
    store.images.tag(parse_reference("localhost:5001/app:1"), image.id)
    made = await trusted.manifest("app", "1")
    before = [blob.digest for blob in store.content.walk()]
    await put(trusted, made.body, "2")
    assert [blob.digest for blob in store.content.walk()] == before
    assert store.images.get(image.id).manifest is None
    assert await trusted.tags("app", "", 10) == ["1", "2"]


async def test_a_blob_that_is_not_the_layer_it_is_said_to_be_is_refused(
    trusted: EngineBackend, store: Store
) -> None:
    image = add_image(store, "debian:12", ONE)
    config, false = image.config_bytes, gzip.compress(TWO)
    await push_blob(trusted, "app", false)
    with pytest.raises(ManifestInvalidError, match="is not layer"):
        await put(trusted, manifest_of(config, [false]))
    true = gzip.compress(ONE)
    await push_blob(trusted, "app", true)
    await put(trusted, manifest_of(config, [true]))
    assert store.images.get(image.id).layers[0].descriptor.digest == digest_bytes(true)


@pytest.mark.parametrize(
    "layer",
    [b"no archive", gzip.compress(b"no archive"), gzip.compress(TWO)],
    ids=["no gzip", "no archive", "another layer"],
)
async def test_a_layer_that_cannot_be_unpacked_leaves_nothing(
    backend: EngineBackend, store: Store, layer: bytes
) -> None:
    config = config_of([digest_bytes(ONE)])
    for blob in (layer, config):
        await push_blob(backend, "app", blob)
    with pytest.raises(ManifestInvalidError):
        await put(backend, manifest_of(config, [layer]))
    assert store.images.list() == []
    assert os.listdir(store.layout.layers) == ["empty"]
    # What was pushed can still be named by a better manifest, until its time has come.
    assert len(leases(store)) == 2
    await backend.close()
    assert leases(store) == []
    assert list(store.content.walk()) == []


async def test_sizes_are_those_of_the_blobs(backend: EngineBackend) -> None:
    layer, config = gzip.compress(ONE), config_of([digest_bytes(ONE)])
    for blob in (layer, config):
        await push_blob(backend, "app", blob)
    told = json.loads(manifest_of(config, [layer]))
    told["layers"][0]["size"] += 1
    with pytest.raises(ManifestInvalidError, match=f"has {len(layer)} bytes"):
        await put(backend, json.dumps(told).encode())


async def test_what_an_engine_cannot_keep_is_refused_with_the_way_out(
    backend: EngineBackend,
) -> None:
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    with pytest.raises(NotAnImageError, match="wherry registry serve"):
        await put(backend, json.dumps(index).encode(), kind=OCI_INDEX)
    with pytest.raises(NotAnImageError, match=r"application/vnd\.helm"):
        await put(backend, manifest_of(b"{}", [], "application/vnd.helm.config.v1+json"))


@pytest.mark.parametrize(
    "change",
    [
        {"config": described(OCI_LAYER, b"x") | {"digest": "sha256:../../etc/passwd"}},
        {"layers": [described(OCI_LAYER, b"x") | {"size": -1}]},
        {"layers": [described(OCI_LAYER, b"x")] * 501},
        {"layers": "none"},
        {"mediaType": OCI_INDEX},
        {"schemaVersion": 1},
    ],
)
async def test_hostile_manifests(backend: EngineBackend, change: dict[str, object]) -> None:
    told = json.loads(manifest_of(config_of([]), [])) | change
    with pytest.raises(ManifestInvalidError):
        await put(backend, json.dumps(told).encode())


@pytest.mark.parametrize(
    "config", [b"[]", b"\xff", b"{}", config_of(["sha256:../../x"]), config_of([Digest("x")] * 2)]
)
async def test_hostile_configurations(backend: EngineBackend, config: bytes) -> None:
    layer = gzip.compress(ONE)
    for blob in (layer, config):
        await push_blob(backend, "app", blob)
    with pytest.raises(ManifestInvalidError):
        await put(backend, manifest_of(config, [layer]))


async def test_a_name_that_no_reference_can_have(backend: EngineBackend) -> None:
    with pytest.raises(RepositoryNameError):
        await backend.put_manifest("a" * 250, "1", OCI_MANIFEST, b"{}", "")
    with pytest.raises(RepositoryNameError):
        await backend.begin_upload("a" * 250)
