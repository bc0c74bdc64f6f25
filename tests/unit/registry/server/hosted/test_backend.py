from __future__ import annotations

import pytest

from fixtures.hosted_parts import BY, Parts, push_blob, push_image, read_blob
from wherry.base.errors import UnavailableError
from wherry.oci.digest import digest_bytes
from wherry.registry.server.backend import BlobUnknownError, ImmutableError
from wherry.registry.server.hosted.backend import HostedBackend


@pytest.fixture
def backend(parts: Parts) -> HostedBackend:
    return parts.backend()


async def test_a_blob_is_its_repository_s(parts: Parts, backend: HostedBackend) -> None:
    digest = await push_blob(backend, "app", b"layer")
    assert read_blob(parts, (await backend.blob("app", digest)).source) == b"layer"
    with pytest.raises(BlobUnknownError):
        await backend.blob("other", digest)


async def test_a_blob_that_another_repository_has(parts: Parts, backend: HostedBackend) -> None:
    digest = await push_blob(backend, "app", b"layer")
    assert not await backend.mount("new", digest_bytes(b"other"), None)
    assert not await backend.mount("new", digest, "empty")
    assert await backend.mount("new", digest, "app")
    assert await backend.mount("newer", digest, None)
    await backend.delete_blob("app", digest, BY)
    assert read_blob(parts, (await backend.blob("newer", digest)).source) == b"layer"
    assert len(parts.objects()) == 1


async def test_a_blob_of_an_image_cannot_be_deleted(backend: HostedBackend) -> None:
    await push_image(backend, "app", "v1", b"layer")
    with pytest.raises(ImmutableError):
        await backend.delete_blob("app", digest_bytes(b"layer"), BY)
    with pytest.raises(BlobUnknownError):
        await backend.delete_blob("app", digest_bytes(b"other"), BY)


async def test_to_ask_for_a_blob_keeps_it(parts: Parts, backend: HostedBackend) -> None:
    digest = await push_blob(backend, "app", b"layer")
    for _ in range(10):
        parts.now += 500
        await backend.blob("app", digest)
        await parts.collect()
    parts.now += 1001
    await parts.collect()
    with pytest.raises(BlobUnknownError):
        await backend.blob("app", digest)
    assert parts.objects() == set()


async def test_a_blob_that_everybody_asks_for_costs_one_change(
    parts: Parts, backend: HostedBackend
) -> None:
    digest = await push_blob(backend, "app", b"layer")

    async def touched() -> float:
        row = await parts.catalog.blob("app", digest)
        assert row is not None
        return row.touched

    began = await touched()
    parts.now += 200
    await backend.blob("app", digest)
    assert await touched() == began
    parts.now += 100
    await backend.blob("app", digest)
    assert await touched() == parts.now


async def test_lists_for_people(backend: HostedBackend) -> None:
    for name in ("b/app", "a/app", "c"):
        await push_image(backend, name, "v1", name.encode())
    everything = await backend.repositories("", 10, lambda _: True)
    assert everything == ["a/app", "b/app", "c"]
    assert await backend.repositories("a/app", 1, lambda _: True) == ["b/app"]
    found = await backend.search("app", 10, lambda name: name != "a/app")
    assert [(one.name, one.tags) for one in found] == [("b/app", 1)]


async def test_a_backend_says_whether_it_can_store(parts: Parts, backend: HostedBackend) -> None:
    await backend.check()
    objects = parts.root / "objects"
    objects.rename(parts.root / "elsewhere")
    with pytest.raises(UnavailableError):
        await backend.check()
