from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.hosted_parts import BY, Parts, index_body, manifest_body, push_blob, push_image
from wherry.oci import image
from wherry.oci.digest import digest_bytes
from wherry.registry.blobdrivers.driver import new_key
from wherry.registry.server.backend import ManifestUnknownError, RepositoryUnknownError
from wherry.registry.server.collect.collector import Collector
from wherry.registry.server.hosted.backend import HostedBackend
from wherry.registry.server.settings import Access, Retention, Rule

GONE = (ManifestUnknownError, RepositoryUnknownError)


@pytest.fixture
def backend(parts: Parts) -> HostedBackend:
    return parts.backend()


async def test_an_image_that_was_deleted_goes_after_the_grace(
    parts: Parts, backend: HostedBackend
) -> None:
    first = await push_image(backend, "app", "v1", b"only here", b"shared")
    await push_image(backend, "app", "v2", b"shared")
    parts.now += 2_000
    assert (await parts.collect()).blobs == 0
    await backend.delete_manifest("app", first, BY)
    report = await parts.collect()
    assert (report.blobs, report.objects, report.bytes) == (1, 1, len(b"only here"))
    assert len(parts.objects()) == 2
    report = await parts.collect()
    assert (report.blobs, report.objects, report.bytes) == (0, 0, 0)


async def test_what_is_being_pushed_stays(parts: Parts, backend: HostedBackend) -> None:
    for data in (b"{}", b"layer"):
        await push_blob(backend, "app", data)
    await parts.collect()
    parts.now += 900
    assert (await parts.collect()).links == 0
    body = manifest_body(b"layer")
    await backend.put_manifest("app", "v1", image.OCI_MANIFEST, body, BY)
    parts.now += 5_000
    assert (await parts.collect()).links == 0


async def test_a_blob_stays_while_any_repository_needs_it(
    parts: Parts, backend: HostedBackend
) -> None:
    digest = await push_image(backend, "app", "v1", b"layer")
    await push_image(backend, "other", "v1", b"layer")
    await backend.delete_manifest("app", digest, BY)
    parts.now += 2_000
    report = await parts.collect()
    assert (report.links, report.blobs, report.objects) == (2, 0, 2)
    assert (await backend.blob("other", digest_bytes(b"layer"))).size == 5
    assert len(parts.objects()) == 2


async def test_more_than_one_step_has_room_for(parts: Parts, backend: HostedBackend) -> None:
    for number in range(450):
        await push_blob(backend, "app", str(number).encode())
    parts.now += 2_000
    report = await parts.collect()
    assert (report.links, report.blobs, report.objects) == (450, 450, 450)
    assert parts.objects() == set()


async def pushed_in_turn(parts: Parts, backend: HostedBackend, *tags: str) -> None:
    for tag in tags:
        parts.now += 100
        await push_image(backend, "team/app", tag, tag.encode())


async def test_tags_that_retention_does_not_keep(parts: Parts, backend: HostedBackend) -> None:
    await pushed_in_turn(parts, backend, "v1", "v2", "nightly", "v3")
    await push_image(backend, "other", "v1")
    rule = Retention(("team/*",), keep_last=2, keep_tags=("v1",))
    parts.settings = replace(
        parts.settings, collection=replace(parts.settings.collection, retention=(rule,))
    )
    collector = Collector(parts.catalog, parts.driver, parts.settings.collection, parts.clock)
    assert [(drop.repository, drop.tag) for drop in await collector.plan()] == [("team/app", "v2")]
    assert len(await backend.tags("team/app", "", 10)) == 4
    report = await collector.run()
    assert (report.tags, report.manifests) == (1, 0)
    assert await backend.tags("team/app", "", 10) == ["nightly", "v1", "v3"]
    assert await collector.plan() == []


async def test_an_immutable_tag_is_never_dropped(parts: Parts, backend: HostedBackend) -> None:
    await pushed_in_turn(parts, backend, "v1", "v2", "latest")
    access = Access(rules=(Rule(("team/*",), immutable=("v*",)),))
    parts.settings = replace(parts.settings, access=access)
    report = await parts.collect(retention=(Retention(("*",), keep_last=0),))
    assert report.tags == 1
    assert await backend.tags("team/app", "", 10) == ["v1", "v2"]


async def test_manifests_that_nothing_leads_to(parts: Parts, backend: HostedBackend) -> None:
    untagged = await push_image(backend, "app", "", b"untagged")
    child = await push_image(backend, "app", "", b"child")
    body = index_body(manifest_body(b"child"))
    await backend.put_manifest("app", "v1", image.OCI_INDEX, body, BY)
    rules = (Retention(("*",), keep_untagged=3_000.0),)
    parts.now += 2_000
    assert (await parts.collect(retention=rules)).manifests == 0
    parts.now += 2_000
    report = await parts.collect(retention=rules)
    assert report.manifests == 1
    with pytest.raises(GONE):
        await backend.manifest("app", untagged)
    assert (await backend.manifest("app", child)).digest == child


async def test_an_index_goes_with_its_manifests(parts: Parts, backend: HostedBackend) -> None:
    child = await push_image(backend, "app", "", b"child")
    body = index_body(manifest_body(b"child"))
    await backend.put_manifest("app", "v1", image.OCI_INDEX, body, BY)
    parts.now += 5_000
    rules = (Retention(("*",), keep_last=0, keep_untagged=0.0),)
    report = await parts.collect(retention=rules)
    assert (report.tags, report.manifests, report.blobs, report.objects) == (1, 2, 2, 2)
    with pytest.raises(GONE):
        await backend.manifest("app", child)
    assert parts.objects() == set()


async def test_a_manifest_whose_index_is_on_its_way_stays(
    parts: Parts, backend: HostedBackend
) -> None:
    await push_image(backend, "app", "", b"child")
    rules = (Retention(("*",), keep_untagged=0.0),)
    parts.now += 900
    assert (await parts.collect(retention=rules)).manifests == 0


async def test_an_object_that_was_doomed_by_the_dead_is_deleted(
    parts: Parts, backend: HostedBackend
) -> None:
    await push_blob(backend, "app", b"layer")
    parts.now += 2_000
    await parts.catalog.unlink_idle(parts.now - 1000, parts.now, 10)
    (doomed,) = await parts.catalog.doom(parts.now, 10)
    assert doomed.key in parts.objects()
    assert (await parts.collect()).objects == 1
    assert parts.objects() == set()


async def test_a_promise_that_was_never_kept_is_forgotten(parts: Parts) -> None:
    key = new_key()
    await parts.catalog.promise(key, parts.now + 100)
    await parts.collect()
    assert await parts.catalog.known([key]) == {key}
    parts.now += 101
    await parts.collect()
    assert await parts.catalog.known([key]) == set()
