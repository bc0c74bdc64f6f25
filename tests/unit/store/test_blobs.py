"""Layers' blobs, stored and not stored."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from fixtures.layers import adopted, described, image_of
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_LAYER, Descriptor
from wherry.oci.reference import parse_reference
from wherry.store.blobs import LayerChangedError
from wherry.store.content.store import BlobNotFoundError
from wherry.store.images import ImageLayer
from wherry.store.store import Store

FILES = {"etc/motd": b"hello", "big": b"x" * 700_000}


def test_what_is_not_stored_is_made(store: Store) -> None:
    sealed = adopted(store, FILES)
    layer, sink = described(sealed), io.BytesIO()
    with pytest.raises(BlobNotFoundError):
        store.content.open(sealed.diff_id)
    store.blobs.write(layer, sink)
    assert digest_bytes(sink.getvalue()) == sealed.diff_id
    assert len(sink.getvalue()) == sealed.tar_size == store.blobs.size(layer)
    with store.blobs.open(layer) as source:
        assert source.read() == sink.getvalue()
        source.seek(100)
        assert source.read(10) == sink.getvalue()[100:110]
    assert os.listdir(store.layout.partials) == []
    assert list(store.content.walk()) == []


def test_what_is_stored_is_read(store: Store) -> None:
    digest = store.content.put(b"compressed")
    layer = ImageLayer(Descriptor(OCI_LAYER, digest, 10), digest_bytes(b"plain"))
    sink = io.BytesIO()
    store.blobs.write(layer, sink)
    assert sink.getvalue() == b"compressed"
    assert store.blobs.size(layer) == 10
    with store.blobs.open(layer) as source:
        assert source.read() == b"compressed"


def test_what_is_neither_here_nor_can_be_made(store: Store) -> None:
    sealed = adopted(store, FILES)
    compressed = ImageLayer(Descriptor(OCI_LAYER, digest_bytes(b"gone"), 4), sealed.diff_id)
    other = ImageLayer(Descriptor(OCI_LAYER, digest_bytes(b"x"), 1), digest_bytes(b"x"))
    for layer in (compressed, other):
        with pytest.raises(BlobNotFoundError):
            store.blobs.open(layer)
        with pytest.raises(BlobNotFoundError):
            store.blobs.size(layer)
        with pytest.raises(BlobNotFoundError):
            store.blobs.write(layer, io.BytesIO())


def test_a_directory_that_somebody_has_changed_is_named(store: Store) -> None:
    sealed = adopted(store, FILES)
    path = store.layers.path(sealed.diff_id)
    with open(f"{path}/etc/motd", "ab") as file:
        file.write(b"!")
    with pytest.raises(LayerChangedError, match=f"layer {sealed.diff_id}: somebody has changed"):
        store.blobs.open(described(sealed))
    with pytest.raises(LayerChangedError):
        store.blobs.write(described(sealed), io.BytesIO())
    assert os.listdir(store.layout.partials) == []


def test_an_image_without_blobs_is_saved_whole(store: Store) -> None:
    low, high = adopted(store, FILES), adopted(store, {"etc/motd": b"bye"})
    image = image_of(store, low, high, low)
    store.images.tag(parse_reference("built:1"), image.id)
    first, second = io.BytesIO(), io.BytesIO()
    store.archives.save(["built:1"], first)
    store.archives.save(["built:1"], second)
    assert first.getvalue() == second.getvalue()
    with tarfile.open(fileobj=io.BytesIO(first.getvalue())) as archive:
        names = archive.getnames()
        assert len(names) == len(set(names))
        for layer in (low, high):
            member = archive.extractfile(f"blobs/sha256/{layer.diff_id.removeprefix('sha256:')}")
            assert member is not None
            assert digest_bytes(member.read()) == layer.diff_id


def test_collection_keeps_the_layers_of_such_an_image(store: Store) -> None:
    sealed = adopted(store, FILES)
    image = image_of(store, sealed)
    assert image.size == 700_005
    collected = store.collect()
    assert (collected.layers, collected.blobs) == ([], [])
    store.images.delete(image.id)
    assert store.collect().layers == [sealed.diff_id]
