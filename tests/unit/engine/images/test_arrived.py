"""Manifests and configurations of strangers, and images that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.images import add_image, archive
from fixtures.layers import adopted, image_of
from fixtures.pushes import config_of, described, manifest_of
from wherry.base.errors import InvalidError
from wherry.engine.images.arrived import is_known, layers_of, put_arrived, read_manifest
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_LAYER, OCI_MANIFEST, Descriptor
from wherry.store.images import ImageLayer
from wherry.store.manifests import manifest_of as made_of
from wherry.store.store import Store

ONE = archive({"one": b"1"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(str(tmp_path), sync=False)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": described(OCI_LAYER, b"")}, "a configuration of 0 bytes"),
        ({"config": described(OCI_LAYER, b"x") | {"size": 9 << 20}}, "a configuration of"),
        ({"config": described(OCI_LAYER, b"x") | {"digest": "x"}}, "invalid digest"),
        ({"layers": [described(OCI_LAYER, b"x")] * 501}, "501 layers are too many"),
        ({"layers": [described(OCI_LAYER, b"x") | {"size": -1}]}, "negative size"),
        ({"layers": None}, "invalid manifest"),
    ],
)
def test_manifests_that_no_image_has(change: dict[str, object], message: str) -> None:
    told = json.loads(manifest_of(b"{}", [])) | change
    with pytest.raises(InvalidError, match=message):
        read_manifest(json.dumps(told).encode())


def test_layers_are_told_by_manifest_and_configuration_together() -> None:
    body, config = manifest_of(b"{}", [b"blob"]), config_of([digest_bytes(ONE)])
    (layer,) = layers_of(read_manifest(body), config)
    assert (layer.descriptor.digest, layer.diff_id) == (digest_bytes(b"blob"), digest_bytes(ONE))
    with pytest.raises(InvalidError, match="1 layers in the manifest, 0 in the configuration"):
        layers_of(read_manifest(body), b"{}")


def test_an_image_that_comes_back_as_it_was_made_stays_so(store: Store) -> None:
    image = image_of(store, adopted(store, {"f": b"x"}))
    made, body = made_of(image, store.content)
    assert put_arrived(store, image.config_bytes, list(image.layers), made, body) is image
    assert not store.content.has(made.digest)
    other = body + b"\n"
    told = Descriptor(OCI_MANIFEST, digest_bytes(other), len(other))
    changed = put_arrived(store, image.config_bytes, list(image.layers), told, other)
    assert changed.manifest == told
    assert store.content.read(told.digest) == other


def test_an_image_keeps_its_parent_when_it_comes_again(store: Store) -> None:
    parent = add_image(store, "parent", ONE)
    child = add_image(store, "child", archive({"two": b"2"}), parent=parent)
    body = b'{"schemaVersion": 2}'
    told = Descriptor(OCI_MANIFEST, digest_bytes(body), len(body))
    found = put_arrived(store, child.config_bytes, list(child.layers), told, body)
    assert (found.parent, found.manifest) == (parent.id, told)


def test_a_layer_is_known_by_blob_and_by_what_is_in_it(store: Store) -> None:
    (layer,) = add_image(store, "app", ONE).layers
    assert is_known(store, layer)
    assert not is_known(store, ImageLayer(layer.descriptor, digest_bytes(b"another")))
    assert not is_known(
        store, ImageLayer(Descriptor(OCI_LAYER, digest_bytes(b"x"), 1), layer.diff_id)
    )
