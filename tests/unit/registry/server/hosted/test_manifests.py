from __future__ import annotations

import json

import pytest

from fixtures.hosted_parts import (
    BY,
    Parts,
    described,
    index_body,
    manifest_body,
    push_blob,
    push_image,
)
from wherry.oci import image
from wherry.oci.digest import Digest, digest_bytes
from wherry.registry.server.backend import (
    DigestMismatchError,
    ImmutableError,
    ManifestBlobUnknownError,
    ManifestInvalidError,
    ManifestUnknownError,
    RepositoryUnknownError,
    StoredManifest,
    TooLargeError,
)
from wherry.registry.server.hosted.backend import HostedBackend
from wherry.registry.server.settings import Access, Limits, Rule

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
CONFIG = json.dumps({"os": "linux", "architecture": "arm64", "rootfs": {"diff_ids": []}}).encode()


@pytest.fixture
def backend(parts: Parts) -> HostedBackend:
    return parts.backend()


async def test_an_image_by_tag_and_digest(parts: Parts, backend: HostedBackend) -> None:
    digest = await push_image(backend, "app", "v1", b"layer")
    expected = StoredManifest(digest, image.OCI_MANIFEST, manifest_body(b"layer"))
    # From the catalog, then from memory.
    for again in (parts.backend(), backend, backend):
        assert await again.manifest("app", "v1") == expected
        assert await again.manifest("app", digest) == expected
    assert await backend.tags("app", "", 10) == ["v1"]


async def test_an_image_by_another_digest(backend: HostedBackend) -> None:
    await push_image(backend, "app", "v1", b"layer")
    body = manifest_body(b"layer")
    digest = digest_bytes(body, "sha512")
    put = await backend.put_manifest("app", digest, image.OCI_MANIFEST, body, BY)
    assert put.digest == digest
    assert (await backend.manifest("app", digest)).body == body


async def test_a_tag_beside_another_digest(backend: HostedBackend) -> None:
    await push_image(backend, "app", "v1", b"layer")
    body = manifest_body(b"layer")
    digest = digest_bytes(body, "sha512")
    put = await backend.put_manifest("app", f"v2@{digest}", image.OCI_MANIFEST, body, BY)
    assert put.digest == digest
    assert (await backend.manifest("app", "v2")).digest == digest


async def test_what_is_not_there(backend: HostedBackend) -> None:
    digest = await push_image(backend, "app", "v1")
    with pytest.raises(RepositoryUnknownError):
        await backend.manifest("other", "v1")
    with pytest.raises(RepositoryUnknownError):
        await backend.manifest("other", digest)
    with pytest.raises(ManifestUnknownError):
        await backend.manifest("app", "v2")
    with pytest.raises(ManifestUnknownError):
        await backend.manifest("app", digest_bytes(b"other"))


async def test_what_is_in_memory_is_not_everybody_s(backend: HostedBackend) -> None:
    digest = await push_image(backend, "app", "v1")
    await backend.manifest("app", digest)
    await push_image(backend, "other", "v1", b"layer")
    with pytest.raises(ManifestUnknownError):
        await backend.manifest("other", digest)
    await backend.delete_manifest("app", digest, BY)
    with pytest.raises((ManifestUnknownError, RepositoryUnknownError)):
        await backend.manifest("app", digest)


async def test_blobs_have_to_be_there_first(backend: HostedBackend) -> None:
    await push_blob(backend, "app", b"{}")
    with pytest.raises(ManifestBlobUnknownError) as caught:
        await backend.put_manifest("app", "v1", image.OCI_MANIFEST, manifest_body(b"layer"), BY)
    assert caught.value.missing == (digest_bytes(b"layer"),)


async def test_manifests_of_an_index_have_to_be_there_first(backend: HostedBackend) -> None:
    body = index_body(manifest_body())
    with pytest.raises(ManifestBlobUnknownError):
        await backend.put_manifest("app", "v1", image.OCI_INDEX, body, BY)
    await push_image(backend, "app", "")
    await backend.put_manifest("app", "v1", image.OCI_INDEX, body, BY)
    assert (await backend.manifest("app", "v1")).media_type == image.OCI_INDEX


async def test_a_foreign_layer_that_is_here_is_kept(parts: Parts, backend: HostedBackend) -> None:
    there, elsewhere = described(FOREIGN, b"there"), described(FOREIGN, b"elsewhere")
    await push_blob(backend, "app", b"there")
    await push_image(backend, "app", "v1", layers=[there, elsewhere])
    parts.now += 5_000
    await parts.collect()
    assert (await backend.blob("app", digest_bytes(b"there"))).size == 5


async def test_other_bytes_than_announced(backend: HostedBackend) -> None:
    digest = digest_bytes(b"other")
    with pytest.raises(DigestMismatchError):
        await backend.put_manifest("app", digest, image.OCI_MANIFEST, manifest_body(), BY)


async def test_what_is_no_manifest_is_refused(backend: HostedBackend) -> None:
    with pytest.raises(ManifestInvalidError):
        await backend.put_manifest("app", "v1", image.OCI_MANIFEST, b"{}", BY)
    large = b'{"schemaVersion":2,"config":[' + b" " * 200_000
    with pytest.raises(ManifestInvalidError):
        await backend.put_manifest("app", "v1", image.OCI_MANIFEST, large, BY)


async def test_a_manifest_that_is_too_large(parts: Parts) -> None:
    backend = parts.backend(limits=Limits(manifest_bytes=100))
    with pytest.raises(TooLargeError):
        await backend.put_manifest("app", "v1", image.OCI_MANIFEST, bytes(101), BY)


async def test_referrers(backend: HostedBackend) -> None:
    subject = await push_image(backend, "app", "v1")
    about = described(image.OCI_MANIFEST, manifest_body())
    await push_image(
        backend, "app", "", subject=about, artifactType="a/b", annotations={"key": "value"}
    )
    (found,) = await backend.referrers("app", subject)
    assert (found.artifact_type, found.annotations) == ("a/b", {"key": "value"})
    assert await backend.referrers("other", subject) == []


async def test_people_see_the_platform_of_an_image(backend: HostedBackend) -> None:
    await push_image(backend, "app", "v1", b"layer", config=CONFIG)
    (found,) = await backend.tag_details("app", "", 10)
    assert found.platforms == ("linux/arm64",)
    assert found.size == len(CONFIG) + 5 + len(manifest_body(b"layer", config=CONFIG))


@pytest.mark.parametrize("config", [b"", b"\xff", b"[]", b'{"os":1}', b'{"os":"\\u0007"}'])
async def test_a_strange_configuration_is_no_reason_to_refuse(
    backend: HostedBackend, config: bytes
) -> None:
    await push_image(backend, "app", "v1", config=config)
    (found,) = await backend.tag_details("app", "", 10)
    assert found.platforms == ()


async def test_an_immutable_tag_stays_where_it_is(parts: Parts) -> None:
    backend = parts.backend(access=Access(rules=(Rule(("app",), immutable=("v*",)),)))
    first = await push_image(backend, "app", "v1", b"first")
    assert await push_image(backend, "app", "v1", b"first") == first
    with pytest.raises(ImmutableError):
        await push_image(backend, "app", "v1", b"second")
    with pytest.raises(ImmutableError):
        await backend.delete_tag("app", "v1", BY)
    with pytest.raises(ImmutableError):
        await backend.delete_manifest("app", first, BY)
    with pytest.raises(ManifestUnknownError):
        await backend.delete_tag("app", "v2", BY)
    assert (await backend.manifest("app", "v1")).digest == first
    await push_image(backend, "app", "latest", b"first")
    await push_image(backend, "app", "latest", b"second")
    await backend.delete_tag("app", "latest", BY)


async def test_a_tag_goes_and_its_manifest_stays(backend: HostedBackend) -> None:
    digest = await push_image(backend, "app", "v1")
    await backend.delete_tag("app", "v1", BY)
    with pytest.raises(ManifestUnknownError):
        await backend.manifest("app", "v1")
    assert (await backend.manifest("app", digest)).digest == digest


async def test_a_manifest_goes_with_its_tags(backend: HostedBackend) -> None:
    digest = await push_image(backend, "app", "v1")
    await push_image(backend, "app", "v2")
    await push_image(backend, "app", "other", b"layer")
    await backend.delete_manifest("app", digest, BY)
    assert await backend.tags("app", "", 10) == ["other"]


async def test_a_copy_of_another_registry_s_need_not_be_whole(
    parts: Parts, backend: HostedBackend
) -> None:
    layer, there = described(image.OCI_LAYER, b"layer"), described(FOREIGN, b"there")
    body = manifest_body(layers=[layer, there])
    kept = StoredManifest(digest_bytes(body), image.OCI_MANIFEST, body)
    await backend.keep_manifest("app", "v1", kept)
    assert await backend.manifest("app", "v1") == kept
    for data in (b"layer", b"there"):
        await push_blob(backend, "app", data)
    parts.now += 5_000
    await parts.collect()
    assert len(parts.objects()) == 2


async def test_a_copy_without_a_tag_is_found_by_its_digest(backend: HostedBackend) -> None:
    body = manifest_body()
    kept = StoredManifest(Digest(digest_bytes(body)), image.OCI_MANIFEST, body)
    await backend.keep_manifest("app", "", kept)
    assert await backend.manifest("app", kept.digest) == kept
    assert await backend.tags("app", "", 10) == []
