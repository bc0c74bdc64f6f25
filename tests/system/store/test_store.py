"""The store as a whole: archives, names, collection, a full disk, and death at any moment."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.busybox import busybox_archive
from wherry.base.errors import ConflictError
from wherry.oci.digest import digest_bytes
from wherry.oci.reference import parse_reference
from wherry.store.content.writer import BlobMismatchError
from wherry.store.errors import DataRootInUseError, DiskFullError
from wherry.store.images import ImageNotFoundError
from wherry.store.metadata.records import NameTakenError
from wherry.store.store import Store

LOAD = """
import io, sys
from fixtures.busybox import busybox_archive
from wherry.store.store import Store
Store.open(sys.argv[1]).archives.load(io.BytesIO(busybox_archive()))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_load_save_load_keeps_identity(store: Store) -> None:
    (loaded,) = store.archives.load(io.BytesIO(busybox_archive()))
    image = store.images.resolve("busybox")
    assert loaded.image_id == image.id
    saved = io.BytesIO()
    store.archives.save(["busybox"], saved)
    store.images.delete(image.id)
    collected = store.collect()
    assert image.id in collected.blobs
    assert collected.layers == image.diff_ids
    assert list(store.content.walk()) == []
    store.archives.load(io.BytesIO(saved.getvalue()))
    again = store.images.resolve("busybox:latest")
    assert (again.id, again.diff_ids) == (image.id, image.diff_ids)
    passwd = store.snapshots.read_file(again.diff_ids, "/etc/passwd")
    assert passwd is not None
    assert passwd.startswith(b"root:")


def test_loading_leaves_only_what_the_image_needs(store: Store) -> None:
    store.archives.load(io.BytesIO(busybox_archive()))
    image = store.images.resolve("busybox")
    kept = {blob.digest for blob in store.content.walk()}
    assert kept == {image.id, image.layers[0].descriptor.digest}


def test_resolve_has_dockers_rules(store: Store) -> None:
    store.archives.load(io.BytesIO(busybox_archive()))
    image = store.images.resolve("busybox")
    digits = image.id.removeprefix("sha256:")
    for text in (image.id, digits, digits[:12], digits[:1], "docker.io/library/busybox"):
        assert store.images.resolve(text).id == image.id
    for text, words in (
        ("nope", "No such image: nope:latest"),
        ("a/b:1", "No such image: a/b:1"),
        ("0" * 64, f"No such image: sha256:{'0' * 64}"),
    ):
        with pytest.raises(ImageNotFoundError, match=words):
            store.images.resolve(text)


def test_names_move_and_go(store: Store) -> None:
    store.archives.load(io.BytesIO(busybox_archive()))
    image = store.images.resolve("busybox")
    name = parse_reference("localhost:5000/x:1")
    assert store.images.tag(name, image.id) is None
    assert [r.familiar for r in store.images.references(image.id)] == [
        "busybox:latest",
        "localhost:5000/x:1",
    ]
    assert store.images.untag(name)
    assert not store.images.untag(name)


def test_collection_spares_what_leases_and_containers_hold(store: Store) -> None:
    store.archives.load(io.BytesIO(busybox_archive()))
    image = store.images.resolve("busybox")
    store.images.delete(image.id)
    store.metadata.leases.acquire("l", [image.diff_ids[0]])
    body = b'{"image_id": "%s", "layers": [], "other": 1}' % image.id.encode()
    store.metadata.records("containers").insert("c", "c", body)
    collected = store.collect()
    # The layer is a plain tar, so that its blob has the digest that the lease names.
    assert (collected.layers, collected.blobs) == ([], [])
    assert store.content.has(image.id)
    store.metadata.leases.release("l")
    assert store.collect().layers == image.diff_ids


def test_interrupted_blobs_resume(store: Store) -> None:
    data = os.urandom(3 << 20)
    digest = digest_bytes(data)
    with store.content.writer(expected=digest, size=len(data)) as writer:
        writer.write(data[: 1 << 20])
        with pytest.raises(ConflictError):
            store.content.writer(expected=digest)
    with store.content.writer(expected=digest, size=len(data)) as writer:
        assert writer.offset == 1 << 20
        writer.write(data[1 << 20 :])
        assert writer.commit() == digest
    assert store.content.read(digest) == data
    assert os.listdir(store.layout.partials) == []


def test_wrong_blobs_are_refused_and_removed(store: Store) -> None:
    digest = digest_bytes(b"right")
    with store.content.writer(expected=digest) as writer:
        writer.write(b"wrong")
        with pytest.raises(BlobMismatchError):
            writer.commit()
    assert not store.content.has(digest)
    assert os.listdir(store.layout.partials) == []


def test_a_data_root_has_one_engine(store: Store) -> None:
    with pytest.raises(DataRootInUseError, match="in use by another engine"):
        Store.open(store.layout.root)


def test_records_have_unique_names(store: Store) -> None:
    records = store.metadata.records("containers")
    records.insert("1", "a", b"x")
    records.insert("2", "", b"y")
    records.insert("3", "", b"z")
    with pytest.raises(NameTakenError) as caught:
        records.insert("4", "a", b"x")
    assert caught.value.holder == "1"
    with pytest.raises(NameTakenError):
        records.rename("2", "a")
    assert records.by_name("a") == ("1", b"x")
    assert store.metadata.records("networks").by_name("a") is None
    assert records.delete("1")
    assert [row[0] for row in records.all()] == ["2", "3"]


def test_a_full_disk_is_an_error_that_leaves_nothing(small_disk: Path) -> None:
    store = Store.open(str(small_disk / "root"))
    try:
        with pytest.raises(DiskFullError, match="No space left on device"):
            store.archives.load(io.BytesIO(busybox_archive()))
        assert store.images.list() == []
        assert list(store.content.walk()) == []
        assert os.listdir(store.layout.layers) == ["empty"]
        assert os.listdir(store.layout.partials) == []
        with (
            store.content.writer(expected=digest_bytes(b"x")) as writer,
            pytest.raises(DiskFullError),
        ):
            writer.write(bytes(4 << 20))
        assert os.listdir(store.layout.partials) == []
    finally:
        store.close()


@pytest.mark.parametrize(
    "point", ["content.written", "content.renamed", "layers.unpacked", "layers.renamed"]
)
def test_death_leaves_nothing_half_made(tmp_path: Path, point: str) -> None:
    root = tmp_path / "root"
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "WHERRY_FAULTS": point, "PYTHONPATH": str(tests)}
    died = subprocess.run([sys.executable, "-c", LOAD, str(root)], env=environment)
    assert died.returncode == -signal.SIGKILL
    store = Store.open(str(root))
    try:
        assert store.images.list() == []
        assert os.listdir(store.layout.layers) == ["empty"]
        for blob in store.content.walk():
            data = store.content.read(blob.digest)
            assert blob.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
        store.archives.load(io.BytesIO(busybox_archive()))
        assert store.images.resolve("busybox").diff_ids
    finally:
        store.close()
