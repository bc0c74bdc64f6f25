"""What repositories have."""

from __future__ import annotations

import gzip
import json

import pytest

from fixtures.images import add_image, archive
from fixtures.layers import adopted, image_of
from wherry.engine.registry.contents import Contents
from wherry.engine.registry.names import own_names
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_LAYER_GZIP, OCI_MANIFEST, Descriptor
from wherry.oci.reference import parse_reference
from wherry.registry.blobdrivers.driver import LocalFile, ObjectNotFoundError
from wherry.registry.server.backend import Blob, ManifestUnknownError, RepositoryUnknownError
from wherry.store.images import Image, ImageLayer
from wherry.store.store import Store

ONE, TWO = archive({"one": b"1" * 5000}), archive({"two": b"2" * 5000})


@pytest.fixture
def contents(store: Store) -> Contents:
    return Contents(store, own_names("", 5001, "box"))


def read(blob: Blob | None) -> bytes:
    assert blob is not None
    assert isinstance(blob.source, LocalFile)
    with blob.source.open() as file:
        data = file.read()
    assert len(data) == blob.size
    return data


def tag(store: Store, image: Image, *names: str) -> None:
    for name in names:
        store.images.tag(parse_reference(name).with_default_tag(), image.id)


def test_tags_are_those_of_all_names_and_own_names_come_first(
    store: Store, contents: Contents
) -> None:
    bare, own = add_image(store, "app:1", ONE), add_image(store, "localhost:5001/app:1", TWO)
    tag(store, bare, "app:0", "box:5001/app:2", "other:5001/app:3", "app2:4", "app/b:5")
    found = contents.tags("app")
    assert list(found) == ["0", "1", "2"]
    assert (found["1"].id, found["0"].id) == (own.id, bare.id)
    assert contents.tags("library/app")["1"].id == bare.id
    assert contents.repositories() == ["app", "app/b", "app2"]
    with pytest.raises(RepositoryUnknownError):
        contents.tags("nothing")


def test_a_manifest_that_was_pulled_is_served_as_it_came(store: Store, contents: Contents) -> None:
    image = add_image(store, "app:1", ONE)
    body = json.dumps({"schemaVersion": 2, "spaces": True}, indent=7).encode()
    described = Descriptor(OCI_MANIFEST, store.content.put(body), len(body))
    store.images.set_manifest(image.id, described)
    found = contents.manifest("app", "1")
    assert (found.digest, found.media_type, found.body) == (described.digest, OCI_MANIFEST, body)
    assert contents.manifest("app", found.digest) == found


def test_a_manifest_is_made_the_same_each_time_and_found_by_its_digest(
    store: Store, contents: Contents
) -> None:
    image = add_image(store, "app:1", ONE, TWO)
    found = contents.manifest("app", "1")
    assert digest_bytes(found.body) == found.digest
    told = json.loads(found.body)
    assert [layer["digest"] for layer in told["layers"]] == image.diff_ids
    assert told["config"]["digest"] == image.id
    assert Contents(store, own_names("", 5001, "box")).manifest("app", found.digest) == found
    for wanted in ("2", digest_bytes(b"another")):
        with pytest.raises(ManifestUnknownError):
            contents.manifest("app", wanted)
    with pytest.raises(RepositoryUnknownError):
        contents.manifest("nothing", "1")


def test_a_blob_belongs_to_the_repositories_of_its_images_only(
    store: Store, contents: Contents
) -> None:
    image, other = add_image(store, "app:1", ONE), add_image(store, "other:1", TWO)
    assert read(contents.blob("app", image.id)) == image.config_bytes
    assert read(contents.blob("app", image.diff_ids[0])) == ONE
    assert contents.blob("app", other.id) is None
    assert contents.blob("app", other.diff_ids[0]) is None
    assert contents.blob("nothing", image.id) is None
    assert read(contents.anywhere(other.diff_ids[0])) == TWO
    assert contents.anywhere(digest_bytes(b"another")) is None


def test_a_layer_that_is_stored_nowhere_is_made_when_it_is_read(
    store: Store, contents: Contents
) -> None:
    sealed = adopted(store, {"f": b"x" * 5000})
    image = image_of(store, sealed)
    tag(store, image, "app:1")
    assert not store.content.has(sealed.diff_id)
    data = read(contents.blob("app", sealed.diff_id))
    assert digest_bytes(data) == sealed.diff_id
    assert read(contents.anywhere(sealed.diff_id)) == data
    assert not store.content.has(sealed.diff_id)


def test_who_pulls_while_the_image_is_compressed_finds_what_was_promised(
    store: Store, contents: Contents
) -> None:
    sealed = adopted(store, {"f": b"x" * 5000})
    image = image_of(store, sealed)
    tag(store, image, "app:1")
    promised = contents.manifest("app", "1")
    plain = read(contents.blob("app", sealed.diff_id))
    packed = gzip.compress(plain, mtime=0)
    layer = Descriptor(OCI_LAYER_GZIP, store.content.put(packed), len(packed))
    body = b'{"schemaVersion":2}'
    store.images.put(
        image.config_bytes,
        [ImageLayer(layer, sealed.diff_id)],
        Descriptor(OCI_MANIFEST, store.content.put(body), len(body)),
    )
    assert contents.manifest("app", "1").body == body
    assert contents.manifest("app", promised.digest) == promised
    assert read(contents.blob("app", sealed.diff_id)) == plain
    assert read(contents.blob("app", layer.digest)) == packed


def test_a_blob_that_goes_before_it_is_read_is_an_object_not_found(
    store: Store, contents: Contents
) -> None:
    image = add_image(store, "app:1", ONE)
    blob = contents.blob("app", image.diff_ids[0])
    assert blob is not None
    assert isinstance(blob.source, LocalFile)
    store.images.delete(image.id)
    store.collect()
    with pytest.raises(ObjectNotFoundError):
        blob.source.open()


def test_details_for_people(store: Store, contents: Contents) -> None:
    image = add_image(store, "app:1", ONE)
    tag(store, image, "app:2")
    manifest = contents.manifest("app", "1")
    size = len(ONE) + len(image.config_bytes)
    one, two = contents.tag_details("app", "", 10)
    assert (one.name, one.digest, one.platforms) == ("1", manifest.digest, ("linux/amd64",))
    assert (one.size, one.pushed) == (size + len(manifest.body), image.stored_at / 1e9)
    assert contents.tag_details("app", "1", 10) == [two]
    assert contents.tag_details("app", "", 1) == [one]
    detail = contents.detail("app")
    assert detail is not None
    assert (detail.tags, detail.size, detail.updated) == (2, size, one.pushed)
    assert contents.detail("nothing") is None
