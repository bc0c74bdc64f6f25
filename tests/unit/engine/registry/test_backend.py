"""Who sees what, mounts, deletes, lists."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from fixtures.images import add_image, archive, leases
from fixtures.pushes import push, push_blob
from wherry.base.errors import UnavailableError
from wherry.engine.registry.backend import EngineBackend
from wherry.oci.digest import digest_bytes
from wherry.oci.reference import parse_reference
from wherry.registry.server.backend import (
    BlobUnknownError,
    ImmutableError,
    ManifestUnknownError,
    RepositoryUnknownError,
)
from wherry.store.store import Store

ONE, TWO = archive({"one": b"1" * 5000}), archive({"two": b"2" * 5000})
UNKNOWN = digest_bytes(b"unknown")


def anyone(_: str) -> bool:
    return True


async def test_strangers_see_what_is_named_and_no_more(
    backend: EngineBackend, trusted: EngineBackend, store: Store
) -> None:
    app, other = add_image(store, "app:1", ONE), add_image(store, "other:1", TWO)
    nameless = add_image(store, "", archive({"three": b"3"}))
    assert (await backend.blob("app", app.diff_ids[0])).size == len(ONE)
    for digest in (other.id, other.diff_ids[0], nameless.id, UNKNOWN):
        with pytest.raises(BlobUnknownError):
            await backend.blob("app", digest)
    assert leases(store) == []
    for digest in (other.id, other.diff_ids[0], nameless.id):
        assert (await trusted.blob("app", digest)).digest == digest
    with pytest.raises(BlobUnknownError):
        await trusted.blob("app", UNKNOWN)
    # What a program of this machine has found stays until it has named it.
    assert len(leases(store)) == 3
    store.images.delete(nameless.id)
    store.collect()
    assert store.content.has(nameless.id)


async def test_what_was_pushed_is_there_for_its_repository_only(backend: EngineBackend) -> None:
    digest = await push_blob(backend, "app", b"data")
    assert (await backend.blob("app", digest)).size == 4
    with pytest.raises(BlobUnknownError):
        await backend.blob("other", digest)
    await backend.delete_blob("app", digest, "")
    with pytest.raises(BlobUnknownError):
        await backend.blob("app", digest)
    with pytest.raises(BlobUnknownError):
        await backend.delete_blob("app", digest, "")


async def test_mounts(backend: EngineBackend, trusted: EngineBackend, store: Store) -> None:
    image = add_image(store, "debian:12", ONE)
    layer = image.diff_ids[0]
    assert not await backend.mount("app", layer, "other")
    assert not await backend.mount("app", layer, None)
    assert not await backend.mount("app", UNKNOWN, "debian")
    assert await backend.mount("app", layer, "debian")
    assert (await backend.blob("app", layer)).size == len(ONE)
    assert not await trusted.mount("app", UNKNOWN, None)
    assert await trusted.mount("third", layer, None)
    pushed = await push_blob(backend, "app", b"data")
    assert await backend.mount("third", pushed, "app")
    assert len(leases(store)) == 4


async def test_a_part_of_an_image_cannot_be_deleted_alone(
    backend: EngineBackend, store: Store
) -> None:
    image = add_image(store, "app:1", ONE)
    with pytest.raises(ImmutableError, match="delete its manifest"):
        await backend.delete_blob("app", image.diff_ids[0], "")


async def test_deleting_a_tag_is_rmi(backend: EngineBackend, store: Store) -> None:
    body = await push(backend, "app", "1", ONE)
    image = store.images.resolve("localhost:5001/app:1")
    for name in ("127.0.0.1:5001/app:1", "localhost:5001/app:2"):
        store.images.tag(parse_reference(name), image.id)
    await backend.delete_tag("app", "1", "")
    assert await backend.tags("app", "", 10) == ["2"]
    with pytest.raises(ManifestUnknownError):
        await backend.delete_tag("app", "1", "")
    await backend.delete_manifest("app", digest_bytes(body), "")
    assert store.images.list() == []
    assert list(store.content.walk()) == []
    for deleting in (
        backend.delete_tag("app", "2", ""),
        backend.delete_manifest("app", digest_bytes(body), ""),
    ):
        with pytest.raises(RepositoryUnknownError):
            await deleting


async def test_a_name_that_a_user_gave_is_not_deleted_here(
    backend: EngineBackend, store: Store
) -> None:
    image = add_image(store, "debian:12", ONE)
    digest = (await backend.manifest("debian", "12")).digest
    for deleting in (
        backend.delete_tag("debian", "12", ""),
        backend.delete_manifest("debian", digest, ""),
    ):
        with pytest.raises(ImmutableError, match="rmi"):
            await deleting
    await push(backend, "debian", "12", TWO)
    await backend.delete_tag("debian", "12", "")
    assert (await backend.manifest("debian", "12")).digest == digest
    assert store.images.resolve("debian:12").id == image.id


async def test_an_image_that_a_container_uses_is_not_deleted(
    backend: EngineBackend, store: Store, containers: list[SimpleNamespace]
) -> None:
    await push(backend, "app", "1", ONE)
    image = store.images.resolve("localhost:5001/app:1")
    state = SimpleNamespace(running=True)
    containers.append(SimpleNamespace(id="c" * 64, image_id=image.id, state=state))
    with pytest.raises(ImmutableError, match="is using its referenced image"):
        await backend.delete_tag("app", "1", "")
    assert await backend.tags("app", "", 10) == ["1"]


async def test_lists(backend: EngineBackend, store: Store) -> None:
    for name in ("team/app:1", "team/app:2", "debian:12", "localhost:5001/zoo:1"):
        add_image(store, name, ONE)
    assert await backend.repositories("", 10, anyone) == ["debian", "team/app", "zoo"]
    assert await backend.repositories("debian", 1, anyone) == ["team/app"]
    assert await backend.repositories("", 10, lambda name: name != "team/app") == ["debian", "zoo"]
    assert await backend.tags("team/app", "1", 10) == ["2"]
    assert await backend.tags("team/app", "", 1) == ["1"]
    with pytest.raises(RepositoryUnknownError):
        await backend.tags("nothing", "", 10)
    (found,) = await backend.search("app", 10, anyone)
    assert (found.name, found.tags) == ("team/app", 2)
    assert [one.name for one in await backend.search("", 2, anyone)] == ["debian", "team/app"]
    assert [one.name for one in await backend.tag_details("team/app", "1", 10)] == ["2"]
    assert await backend.referrers("debian", UNKNOWN) == []


async def test_the_check_says_what_is_wrong(backend: EngineBackend, store: Store) -> None:
    await backend.check()
    os.rename(store.layout.partials, f"{store.layout.partials}.away")
    with pytest.raises(UnavailableError, match="partial"):
        await backend.check()


def test_repositories_of_other_registries_for_mirrors(backend: EngineBackend) -> None:
    for ns in ("docker.io", "registry-1.docker.io"):
        assert backend.name_for(ns, "library/debian") == "debian"
    assert backend.name_for("quay.io", "team/app") == "quay.io/team/app"
    assert backend.name_for("other:5000", "team/app") is None
    assert backend.name_for("../x", "team/app") is None
