"""The OCI distribution-spec 1.1, case by case: pull, push, content discovery, content management.

The cases are those of the specification's own conformance tests, in our words, against the server
over SQLite and files. They follow locations as clients do and never make one up.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.registry_server import (
    Answer,
    Served,
    descriptor,
    digest_of,
    index_of,
    manifest_of,
    running_registry,
)
from wherry.oci import image

NAME = "conformance/one"
OTHER = "conformance/two"
EMPTY_JSON = "application/vnd.oci.empty.v1+json"
EXAMPLE = "application/vnd.example.thing.v1+json"
ALGORITHMS = ("sha256", "sha512")
NOWHERE = digest_of(b"what nobody has pushed")


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Served]:
    async with running_registry(tmp_path) as served:
        yield served


def blob_path(digest: str, name: str = NAME) -> str:
    return f"/v2/{name}/blobs/{digest}"


def manifest_path(reference: str, name: str = NAME) -> str:
    return f"/v2/{name}/manifests/{reference}"


def with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


async def expect_blob(registry: Served, answer: Answer, digest: str, data: bytes) -> None:
    """Check the answer to a push that is done, and what it leads to."""
    assert answer.status == 201, answer.body
    assert answer.headers["Docker-Content-Digest"] == digest
    got = await registry.ask("GET", answer.headers["Location"])
    head = await registry.ask("HEAD", answer.headers["Location"])
    assert (got.status, got.body, head.status, head.body) == (200, data, 200, b"")
    for one in (got, head):
        assert one.headers["Content-Length"] == str(len(data))
        assert one.headers["Docker-Content-Digest"] == digest


async def expect_manifest(registry: Served, reference: str, body: bytes, media_type: str) -> None:
    """Check what a reference leads to."""
    got = await registry.ask("GET", manifest_path(reference))
    head = await registry.ask("HEAD", manifest_path(reference))
    assert (got.status, got.body, head.status, head.body) == (200, body, 200, b"")
    for one in (got, head):
        assert one.headers["Content-Type"] == media_type
        assert one.headers["Content-Length"] == str(len(body))
        assert one.headers["Docker-Content-Digest"] == digest_of(body)


async def pieces(data: bytes, size: int) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


# support


async def test_the_base_tells_that_this_is_a_registry(registry: Served) -> None:
    assert (await registry.ask("GET", "/v2/")).status == 200


# pull


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        blob_path(NOWHERE),
        manifest_path(NOWHERE),
        manifest_path("missing"),
        manifest_path(".INVALID_MANIFEST_NAME"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
async def test_what_is_not_there(registry: Served, method: str, path: str, known: bool) -> None:
    if known:
        await registry.push_image(NAME, "latest")
    answer = await registry.ask(method, path)
    assert answer.status == 404
    if method == "GET":
        assert answer.code in ("NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN")


@pytest.mark.parametrize(
    "path",
    [
        blob_path("sha256:totally-wrong"),
        manifest_path("sha256:totally-wrong"),
        f"/v2/{NAME}/referrers/sha256:totally-wrong",
    ],
)
async def test_digests_that_are_none(registry: Served, path: str) -> None:
    answer = await registry.ask("GET", path)
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=500-1499", 500, 1500),
        ("bytes=500-", 500, 2048),
        ("bytes=-500", 1548, 2048),
        ("bytes=2000-5000", 2000, 2048),
    ],
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_parts_of_a_blob(
    registry: Served, algorithm: str, header: str, start: int, end: int
) -> None:
    data = os.urandom(2048)
    digest = await registry.push_blob(NAME, data, algorithm)
    answer = await registry.ask("GET", blob_path(digest), headers={"Range": header})
    assert (answer.status, answer.body) == (206, data[start:end])
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/2048"


@pytest.mark.parametrize("header", ["bytes=500-0", "bytes=5000-10000"])
async def test_parts_that_a_blob_does_not_have(registry: Served, header: str) -> None:
    digest = await registry.push_blob(NAME, os.urandom(2048))
    answer = await registry.ask("GET", blob_path(digest), headers={"Range": header})
    assert answer.status == 416


# push: blobs


@pytest.mark.parametrize("data", [b"", b"{}", os.urandom(512)], ids=["empty", "json", "random"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_blob_by_post_then_put(registry: Served, algorithm: str, data: bytes) -> None:
    digest = digest_of(data, algorithm)
    answer = await registry.ask("PUT", with_digest(await registry.start(NAME), digest), data)
    await expect_blob(registry, answer, digest, data)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_blob_by_a_single_post(registry: Served, algorithm: str) -> None:
    data = os.urandom(512)
    digest = digest_of(data, algorithm)
    path = with_digest(f"/v2/{NAME}/blobs/uploads/", digest)
    await expect_blob(registry, await registry.ask("POST", path, data), digest, data)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_blob_as_a_stream(registry: Served, algorithm: str) -> None:
    data = os.urandom(5000)
    digest = digest_of(data, algorithm)
    answer = await registry.ask("PATCH", await registry.start(NAME), pieces(data, 700))
    assert answer.status == 202
    answer = await registry.ask("PUT", with_digest(answer.headers["Location"], digest))
    await expect_blob(registry, answer, digest, data)


async def send_chunks(registry: Served, location: str, data: bytes, size: int, end: int) -> str:
    """Send `data` up to `end` in chunks, and return where to go on."""
    for start in range(0, end, size):
        chunk = data[start : min(start + size, end)]
        headers = {"Content-Range": f"{start}-{start + len(chunk) - 1}"}
        answer = await registry.ask("PATCH", location, chunk, headers)
        assert answer.status == 202
        assert answer.headers["Range"] == f"0-{start + len(chunk) - 1}"
        location = answer.headers["Location"]
    return location


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("put_last", [False, True], ids=["all", "last by put"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_blob_in_chunks(
    registry: Served, algorithm: str, put_last: bool, chunks: int
) -> None:
    data, size = os.urandom(chunks * 1024 - 5), 1024
    digest = digest_of(data, algorithm)
    begun = await registry.ask("POST", f"/v2/{NAME}/blobs/uploads/?digest-algorithm={algorithm}")
    assert begun.status == 202
    end = (chunks - 1) * size if put_last else len(data)
    location = await send_chunks(registry, begun.headers["Location"], data, size, end)
    headers = {"Content-Range": f"{end}-{len(data) - 1}"} if put_last else {}
    answer = await registry.ask("PUT", with_digest(location, digest), data[end:], headers)
    await expect_blob(registry, answer, digest, data)


@pytest.mark.parametrize("put_last", [False, True], ids=["all", "last by put"])
async def test_chunks_out_of_order_can_go_on(registry: Served, put_last: bool) -> None:
    data = os.urandom(3000)
    digest = digest_of(data)
    location = await registry.start(NAME)
    early = await registry.ask("PATCH", location, data[1000:2000], {"Content-Range": "1000-1999"})
    assert early.status == 416
    location = await send_chunks(registry, location, data, 1000, 1000)
    for method in ("PATCH", "PUT"):
        path = with_digest(location, digest) if method == "PUT" else location
        again = await registry.ask(method, path, data[2000:], {"Content-Range": "2000-2999"})
        assert again.status == 416
    status = await registry.ask("GET", location)
    assert (status.status, status.headers["Range"]) == (204, "0-999")
    end = 2000 if put_last else 3000
    rest = {"Content-Range": f"1000-{end - 1}"}
    answer = await registry.ask("PATCH", status.headers["Location"], data[1000:end], rest)
    headers = {"Content-Range": "2000-2999"} if put_last else {}
    path = with_digest(answer.headers["Location"], digest)
    answer = await registry.ask("PUT", path, data[end:], headers)
    await expect_blob(registry, answer, digest, data)


async def test_a_blob_that_is_mounted(registry: Served) -> None:
    data = os.urandom(512)
    digest = await registry.push_blob(OTHER, data)
    answer = await registry.ask("POST", f"/v2/{NAME}/blobs/uploads/?mount={digest}&from={OTHER}")
    assert answer.headers["Location"] == blob_path(digest)
    await expect_blob(registry, answer, digest, data)


async def test_a_blob_that_is_mounted_from_anywhere(registry: Served) -> None:
    data = os.urandom(512)
    digest = await registry.push_blob(OTHER, data)
    answer = await registry.ask("POST", f"/v2/{NAME}/blobs/uploads/?mount={digest}")
    await expect_blob(registry, answer, digest, data)


async def test_a_mount_of_what_is_not_there_is_an_upload(registry: Served) -> None:
    data = os.urandom(512)
    digest = digest_of(data)
    answer = await registry.ask("POST", f"/v2/{NAME}/blobs/uploads/?mount={digest}&from={OTHER}")
    assert answer.status == 202
    answer = await registry.ask("PUT", with_digest(answer.headers["Location"], digest), data)
    await expect_blob(registry, answer, digest, data)


async def test_an_upload_that_is_cancelled(registry: Served) -> None:
    location = await registry.start(NAME)
    assert (await registry.ask("DELETE", location)).status == 204
    assert (await registry.ask("GET", location)).status == 404
    data = os.urandom(512)
    answer = await registry.ask("PUT", with_digest(location, digest_of(data)), data)
    assert answer.status == 404


@pytest.mark.parametrize("way", ["post", "put", "chunks", "stream"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_bytes_with_another_digest(registry: Served, algorithm: str, way: str) -> None:
    data = os.urandom(2000)
    digest = digest_of(data + b"not sent", algorithm)
    match way:
        case "post":
            path = with_digest(f"/v2/{NAME}/blobs/uploads/", digest)
            answer = await registry.ask("POST", path, data)
        case "put":
            answer = await registry.ask(
                "PUT", with_digest(await registry.start(NAME), digest), data
            )
        case "chunks":
            location = await send_chunks(registry, await registry.start(NAME), data, 800, 2000)
            answer = await registry.ask("PUT", with_digest(location, digest))
        case _:
            sent = await registry.ask("PATCH", await registry.start(NAME), pieces(data, 300))
            answer = await registry.ask("PUT", with_digest(sent.headers["Location"], digest))
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await registry.ask("HEAD", blob_path(digest))).status == 404


# push: manifests


def artifact(kind: str, data: bytes, **fields: Any) -> bytes:
    """Return the manifest of something that is no image."""
    config = {"mediaType": EMPTY_JSON, "digest": digest_of(b"{}"), "size": 2}
    layers = [descriptor(kind, data)]
    return manifest_of(config=config, artifactType=kind, layers=layers, **fields)


def shapes() -> dict[str, tuple[bytes, list[bytes]]]:
    """Return manifests with the blobs that they need."""
    layer = os.urandom(300)
    foreign = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": NOWHERE,
        "size": 123456,
        "urls": ["https://store.example.com/layer"],
    }
    long = {f"note-{number}": "A" * 10_000 for number in range(390)}
    inline = {**descriptor(image.OCI_CONFIG, b"{}"), "data": "e30="}
    return {
        "image": (manifest_of(layer), [b"{}", layer]),
        "no layers": (manifest_of(), [b"{}"]),
        "large": (manifest_of(layer, annotations=long), [b"{}", layer]),
        "artifact": (artifact(EXAMPLE, layer), [b"{}", layer]),
        "empty artifact": (artifact(EMPTY_JSON, b"{}"), [b"{}"]),
        "foreign": (
            manifest_of(layers=[foreign, descriptor(image.OCI_LAYER, layer)]),
            [b"{}", layer],
        ),
        "inline": (manifest_of(layer, config=inline), [b"{}", layer]),
        "own fields": (manifest_of(layer, **{"org.example": {"x": [1, None]}}), [b"{}", layer]),
        "spaces": (manifest_of(layer) + b"\n  \n", [b"{}", layer]),
    }


@pytest.mark.parametrize("by", ["tag", "digest"])
@pytest.mark.parametrize("shape", list(shapes()))
async def test_manifests_of_every_shape(registry: Served, shape: str, by: str) -> None:
    body, blobs = shapes()[shape]
    for data in blobs:
        await registry.push_blob(NAME, data)
    reference = "test" if by == "tag" else digest_of(body)
    answer = await registry.push_manifest(NAME, reference, body)
    assert answer.status == 201, answer.body
    assert answer.headers["Docker-Content-Digest"] == digest_of(body)
    assert (await registry.ask("GET", answer.headers["Location"])).body == body
    await expect_manifest(registry, reference, body, image.OCI_MANIFEST)


@pytest.mark.parametrize("shape", ["some", "none", "nested", "artifact"])
async def test_indexes(registry: Served, shape: str) -> None:
    images = [await registry.push_image(NAME, "", os.urandom(100)) for _ in range(2)]
    match shape:
        case "none":
            body = index_of()
        case "nested":
            inner = index_of(*images)
            assert (await registry.push_manifest(NAME, "", inner, image.OCI_INDEX)).status == 201
            body = index_of(manifests=[descriptor(image.OCI_INDEX, inner)])
        case _:
            body = index_of(*images, **({"artifactType": EXAMPLE} if shape == "artifact" else {}))
    answer = await registry.push_manifest(NAME, "index", body, image.OCI_INDEX)
    assert answer.status == 201, answer.body
    await expect_manifest(registry, "index", body, image.OCI_INDEX)


async def test_a_manifest_by_another_algorithm(registry: Served) -> None:
    await registry.push_blob(NAME, b"{}")
    body = manifest_of()
    digest = digest_of(body, "sha512")
    answer = await registry.push_manifest(NAME, digest, body)
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
    got = await registry.ask("GET", answer.headers["Location"])
    assert (got.body, got.headers["Docker-Content-Digest"]) == (body, digest)


async def test_several_tags_at_once(registry: Served) -> None:
    await registry.push_blob(NAME, b"{}")
    body = manifest_of()
    tags = [f"tag-{number}" for number in range(10)]
    query = "&".join(f"tag={tag}" for tag in tags)
    answer = await registry.push_manifest(NAME, f"{digest_of(body)}?{query}", body)
    assert answer.status == 201
    assert [tag for line in answer.all("OCI-Tag") for tag in line.split(", ")] == tags
    for tag in tags:
        await expect_manifest(registry, tag, body, image.OCI_MANIFEST)


async def test_a_tag_that_moves(registry: Served) -> None:
    bodies = [await registry.push_image(NAME, "latest", os.urandom(10)) for _ in range(2)]
    await expect_manifest(registry, "latest", bodies[1], image.OCI_MANIFEST)
    await expect_manifest(registry, digest_of(bodies[0]), bodies[0], image.OCI_MANIFEST)


async def test_a_manifest_with_another_digest(registry: Served) -> None:
    await registry.push_blob(NAME, b"{}")
    body = manifest_of()
    answer = await registry.push_manifest(NAME, digest_of(body), body + b"  ")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await registry.ask("HEAD", manifest_path(digest_of(body)))).status == 404


@pytest.mark.parametrize("shape", ["layer", "child"])
async def test_what_a_manifest_names_has_to_be_there(registry: Served, shape: str) -> None:
    await registry.push_blob(NAME, b"{}")
    body = manifest_of(b"missing") if shape == "layer" else index_of(b"missing")
    media_type = image.OCI_MANIFEST if shape == "layer" else image.OCI_INDEX
    answer = await registry.push_manifest(NAME, "sparse", body, media_type)
    assert (answer.status, answer.code) == (400, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"schemaVersion":2}', b"\xff\xfe"])
async def test_what_is_no_manifest(registry: Served, body: bytes) -> None:
    answer = await registry.push_manifest(NAME, "bad", body)
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")


# content discovery


async def listed(registry: Served, query: str = "") -> list[str]:
    answer = await registry.ask("GET", f"/v2/{NAME}/tags/list{query}")
    assert answer.status == 200
    assert answer.json()["name"] == NAME
    found: list[str] = answer.json()["tags"]
    return found


async def test_the_list_of_tags(registry: Served) -> None:
    body = await registry.push_image(NAME, "test0")
    tags = [f"test{number}" for number in range(4)] + ["TAG", "Tag"]
    for tag in tags:
        await registry.push_manifest(NAME, tag, body)
    assert await listed(registry) == sorted(tags)
    assert await listed(registry, "?n=4") == sorted(tags)[:4]
    assert await listed(registry, "?n=0") == []
    assert await listed(registry, f"?n=2&last={sorted(tags)[1]}") == sorted(tags)[2:4]
    assert await listed(registry, f"?last={sorted(tags)[3]}") == sorted(tags)[4:]


async def test_the_link_leads_through_all_tags(registry: Served) -> None:
    body = await registry.push_image(NAME, "t0")
    for number in range(1, 5):
        await registry.push_manifest(NAME, f"t{number}", body)
    found: list[str] = []
    path = f"/v2/{NAME}/tags/list?n=2"
    while path:
        answer = await registry.ask("GET", path)
        found += answer.json()["tags"]
        link = answer.headers.get("Link", "")
        assert not link or link.endswith('>; rel="next"')
        path = link.partition(">")[0].removeprefix("<")
    assert found == ["t0", "t1", "t2", "t3", "t4"]


async def test_a_repository_without_tags(registry: Served) -> None:
    await registry.push_image(NAME, "")
    assert await listed(registry) == []
    assert (await registry.ask("GET", f"/v2/{OTHER}/tags/list")).status == 404


async def referrers(registry: Served, subject: str, query: str = "") -> Answer:
    answer = await registry.ask("GET", f"/v2/{NAME}/referrers/{subject}{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == image.OCI_INDEX
    assert (answer.json()["schemaVersion"], answer.json()["mediaType"]) == (2, image.OCI_INDEX)
    return answer


def digests(answer: Answer) -> set[str]:
    return {one["digest"] for one in answer.json()["manifests"]}


async def test_the_list_of_referrers(registry: Served) -> None:
    await registry.push_blob(NAME, b"{}")
    await registry.push_blob(NAME, b"data")
    subject = await registry.push_image(NAME, "image")
    named = descriptor(image.OCI_MANIFEST, subject)
    notes = {"org.example": "hello"}
    first = artifact(EXAMPLE, b"data", subject=named, annotations=notes)
    second = artifact("application/vnd.other", b"data", subject=named)
    plain = manifest_of(subject=named)
    index = index_of(subject=named)
    for body, media_type in (
        (first, image.OCI_MANIFEST),
        (second, image.OCI_MANIFEST),
        (plain, image.OCI_MANIFEST),
        (index, image.OCI_INDEX),
    ):
        answer = await registry.push_manifest(NAME, "", body, media_type)
        assert (answer.status, answer.headers["OCI-Subject"]) == (201, digest_of(subject))
    answer = await referrers(registry, digest_of(subject))
    assert digests(answer) == {digest_of(body) for body in (first, second, plain, index)}
    found = {one["digest"]: one for one in answer.json()["manifests"]}
    assert found[digest_of(first)]["artifactType"] == EXAMPLE
    assert found[digest_of(first)]["annotations"] == notes
    assert found[digest_of(first)]["size"] == len(first)
    assert found[digest_of(plain)]["artifactType"] == image.OCI_CONFIG
    assert "artifactType" not in found[digest_of(index)]
    assert found[digest_of(index)]["mediaType"] == image.OCI_INDEX
    filtered = await referrers(registry, digest_of(subject), f"?artifactType={EXAMPLE}")
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    await registry.ask("DELETE", manifest_path(digest_of(second)))
    assert digest_of(second) not in digests(await referrers(registry, digest_of(subject)))


async def test_a_subject_that_comes_later_or_never(registry: Served) -> None:
    await registry.push_blob(NAME, b"{}")
    body = manifest_of(subject={"mediaType": image.OCI_MANIFEST, "digest": NOWHERE, "size": 123})
    answer = await registry.push_manifest(NAME, "refers", body)
    assert (answer.status, answer.headers["OCI-Subject"]) == (201, NOWHERE)
    assert digests(await referrers(registry, NOWHERE)) == {digest_of(body)}


async def test_what_nobody_refers_to(registry: Served) -> None:
    assert digests(await referrers(registry, NOWHERE)) == set()
    await registry.push_image(NAME, "latest")
    assert digests(await referrers(registry, NOWHERE)) == set()


# content management


async def test_a_tag_is_deleted(registry: Served) -> None:
    body = await registry.push_image(NAME, "one")
    await registry.push_manifest(NAME, "two", body)
    assert (await registry.ask("DELETE", manifest_path("one"))).status == 202
    assert (await registry.ask("GET", manifest_path("one"))).status == 404
    assert await listed(registry) == ["two"]
    await expect_manifest(registry, digest_of(body), body, image.OCI_MANIFEST)


async def test_a_manifest_is_deleted_with_its_tags(registry: Served) -> None:
    body = await registry.push_image(NAME, "one")
    assert (await registry.ask("DELETE", manifest_path(digest_of(body)))).status == 202
    for reference in ("one", digest_of(body)):
        assert (await registry.ask("GET", manifest_path(reference))).status == 404
        assert (await registry.ask("DELETE", manifest_path(reference))).status == 404


async def test_a_blob_is_deleted(registry: Served) -> None:
    digest = await registry.push_blob(NAME, os.urandom(100))
    assert (await registry.ask("DELETE", blob_path(digest))).status == 202
    for method in ("GET", "HEAD", "DELETE"):
        assert (await registry.ask(method, blob_path(digest))).status == 404


@pytest.mark.parametrize("path", [manifest_path("one"), manifest_path(NOWHERE), blob_path(NOWHERE)])
async def test_what_is_not_there_cannot_be_deleted(registry: Served, path: str) -> None:
    answer = await registry.ask("DELETE", path)
    assert answer.status == 404
    assert json.loads(answer.body)["errors"]
