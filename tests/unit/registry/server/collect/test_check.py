from __future__ import annotations

import os
import time

import pytest

from fixtures.hosted_parts import BY, Parts, index_body, manifest_body, push_blob, push_image
from wherry.oci import image
from wherry.oci.digest import digest_bytes
from wherry.registry.blobdrivers.driver import Key, new_key
from wherry.registry.server.backend import StoredManifest
from wherry.registry.server.collect.check import Checker, check
from wherry.registry.server.hosted.backend import HostedBackend
from wherry.registry.server.settings import DAY

LAYER = b"the bytes of a layer"


@pytest.fixture
async def backend(parts: Parts) -> HostedBackend:
    """An image and an index, sound."""
    made = parts.backend()
    await push_image(made, "app", "v1", LAYER)
    body = index_body(manifest_body(LAYER))
    await made.put_manifest("app", "all", image.OCI_INDEX, body, BY)
    return made


async def path_of(parts: Parts, data: bytes) -> tuple[Key, str]:
    row = await parts.catalog.blob("app", digest_bytes(data))
    assert row is not None
    return row.key, str(parts.root / "objects" / row.key[:2] / row.key)


async def test_what_is_sound(parts: Parts, backend: HostedBackend) -> None:
    told: list[tuple[str, int]] = []

    def progress(what: str, count: int) -> None:
        told.append((what, count))

    report = await check(parts.catalog, parts.driver, read=True, progress=progress)
    assert report.sound
    assert (report.blobs, report.manifests, report.objects) == (2, 2, 2)
    assert report.read == len(LAYER) + 2
    assert report.words() == "2 manifests, 2 blobs, 2 objects: sound"
    assert told == [("blobs", 2), ("manifests", 2), ("objects", 2)]


async def test_an_object_that_is_not_there(parts: Parts, backend: HostedBackend) -> None:
    key, path = await path_of(parts, LAYER)
    os.unlink(path)
    report = await check(parts.catalog, parts.driver)
    (found,) = report.bad_blobs
    assert (found.digest, found.key, found.fault) == (digest_bytes(LAYER), key, "missing")
    assert not report.sound
    assert f"object {key}: is not there" in report.words()
    assert report.words().endswith("damaged")


async def test_an_object_of_another_size(parts: Parts, backend: HostedBackend) -> None:
    _, path = await path_of(parts, LAYER)
    os.truncate(path, 3)
    assert [one.fault for one in (await check(parts.catalog, parts.driver)).bad_blobs] == ["size"]


async def test_an_object_with_other_bytes(parts: Parts, backend: HostedBackend) -> None:
    _, path = await path_of(parts, LAYER)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.write(b"T")
    assert (await check(parts.catalog, parts.driver)).sound
    report = await check(parts.catalog, parts.driver, read=True)
    assert [one.fault for one in report.bad_blobs] == ["digest"]


async def test_objects_that_belong_to_nothing(parts: Parts, backend: HostedBackend) -> None:
    old, new, promised = new_key(), new_key(), new_key()
    for key in (old, new, promised):
        parts.driver.write(key, [b"stray"])
    await parts.catalog.promise(promised, parts.now + 100)
    then = time.time() - DAY - 60
    for key in (old, promised):
        os.utime(parts.root / "objects" / key[:2] / key, (then, then))
    report = await check(parts.catalog, parts.driver)
    assert [one.key for one in report.stray] == [old]
    assert report.sound
    assert f"object {old}: 5 bytes, of nothing" in report.words()
    assert {old, new, promised} <= parts.objects()
    report = await check(parts.catalog, parts.driver, repair=True)
    assert report.removed == 1
    assert parts.objects() & {old, new, promised} == {new, promised}


async def test_a_manifest_that_is_not_whole(parts: Parts, backend: HostedBackend) -> None:
    body = manifest_body(b"elsewhere")
    kept = StoredManifest(digest_bytes(body), image.OCI_MANIFEST, body)
    await backend.keep_manifest("cache/app", "v1", kept)
    report = await check(parts.catalog, parts.driver)
    (found,) = report.bad_manifests
    assert (found.repository, found.digest) == ("cache/app", kept.digest)
    assert set(found.missing) == {digest_bytes(b"{}"), digest_bytes(b"elsewhere")}
    checker = Checker(parts.catalog, parts.driver, partial=lambda name: name.startswith("cache/"))
    assert (await checker.run()).sound


async def test_an_index_that_is_not_whole(parts: Parts, backend: HostedBackend) -> None:
    body = index_body(manifest_body(b"elsewhere"))
    kept = StoredManifest(digest_bytes(body), image.OCI_INDEX, body)
    await backend.keep_manifest("cache/app", "v1", kept)
    (found,) = (await check(parts.catalog, parts.driver)).bad_manifests
    assert found.missing == (digest_bytes(manifest_body(b"elsewhere")),)


async def test_what_goes_meanwhile_is_no_fault(parts: Parts, backend: HostedBackend) -> None:
    """Its object is deleted after the rows were read, and before it is looked at."""
    await push_blob(backend, "app", b"idle")
    _, path = await path_of(parts, b"idle")
    blobs = parts.catalog.blobs

    async def read_then_collected(after: str, limit: int) -> object:
        rows = await blobs(after, limit)
        if os.path.exists(path):
            parts.now += 5_000
            await parts.collect()
        return rows

    parts.catalog.blobs = read_then_collected  # type: ignore[method-assign, assignment]
    report = await check(parts.catalog, parts.driver)
    assert not os.path.exists(path)
    assert report.sound
