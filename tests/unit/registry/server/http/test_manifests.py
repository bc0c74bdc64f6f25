"""Manifests over HTTP."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from fixtures.registry_server import (
    Served,
    Serving,
    digest_of,
    index_of,
    manifest_of,
    running_registry,
)
from wherry.oci import image
from wherry.registry.server.settings import Limits

PATH = "/v2/team/app/manifests/"


@pytest.mark.parametrize("by_digest", [False, True])
async def test_get_and_head(registry: Served, by_digest: bool) -> None:
    body = await registry.push_image("team/app", "1.0", b"layer")
    path = PATH + (digest_of(body) if by_digest else "1.0")
    got, head = await registry.ask("GET", path), await registry.ask("HEAD", path)
    assert (got.status, got.body, head.status, head.body) == (200, body, 200, b"")
    for answer in (got, head):
        assert answer.headers["Content-Type"] == image.OCI_MANIFEST
        assert answer.headers["Content-Length"] == str(len(body))
        assert answer.headers["Docker-Content-Digest"] == digest_of(body)
        assert answer.headers["ETag"] == f'"{digest_of(body)}"'


async def test_accept_does_not_convert(registry: Served) -> None:
    body = await registry.push_image("team/app", "1.0")
    answer = await registry.ask("GET", PATH + "1.0", headers={"Accept": image.DOCKER_MANIFEST})
    assert (answer.status, answer.body) == (200, body)


async def test_what_a_client_has_is_not_sent_again(registry: Served) -> None:
    body = await registry.push_image("team/app", "1.0")
    etag = {"If-None-Match": f'"{digest_of(body)}"'}
    answer = await registry.ask("GET", PATH + "1.0", headers=etag)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["Docker-Content-Digest"] == digest_of(body)


async def test_what_observers_learn(registry: Served) -> None:
    body = await registry.push_image("team/app", "1.0")
    await registry.ask("GET", PATH + "1.0")
    await registry.ask("HEAD", PATH + "1.0")
    await registry.ask("DELETE", PATH + "1.0")
    await registry.last()
    push, pull, look, delete = registry.told.ended[-4:]
    assert (push.action, push.received, push.status) == ("push", len(body), 201)
    assert (pull.action, pull.sent, pull.media_type) == ("pull", len(body), image.OCI_MANIFEST)
    assert (look.action, look.sent) == ("", 0)
    assert (delete.action, delete.reference, delete.status) == ("delete", "1.0", 202)
    assert {one.repository for one in (push, pull, look, delete)} == {"team/app"}
    assert {one.digest for one in (push, pull, look)} == {digest_of(body)}
    assert {one.route for one in (push, pull, look, delete)} == {"manifest"}


@pytest.mark.parametrize(
    ("reference", "status", "code"),
    [
        ("other", 404, "MANIFEST_UNKNOWN"),
        ("sha256:" + "0" * 64, 404, "MANIFEST_UNKNOWN"),
        (".no-tag", 404, "MANIFEST_UNKNOWN"),
        ("", 404, "MANIFEST_UNKNOWN"),
        ("a" * 129, 404, "MANIFEST_UNKNOWN"),
        ("sha256:short", 400, "DIGEST_INVALID"),
        ("md5:" + "0" * 32, 400, "DIGEST_INVALID"),
        ("sha256:" + "A" * 64, 400, "DIGEST_INVALID"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_not_there(
    registry: Served, method: str, reference: str, status: int, code: str
) -> None:
    await registry.push_image("team/app", "1.0")
    answer = await registry.ask(method, PATH + reference)
    if not reference and method == "DELETE":
        status, code = 405, "UNSUPPORTED"
    assert (answer.status, answer.code) == (status, code)


async def test_an_unknown_repository(registry: Served) -> None:
    answer = await registry.ask("GET", "/v2/nobody/manifests/latest")
    assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


async def test_put(registry: Served) -> None:
    await registry.push_blob("team/app", b"{}")
    body = manifest_of()
    for reference in ("1.0", digest_of(body)):
        answer = await registry.push_manifest("team/app", reference, body)
        assert (answer.status, answer.body) == (201, b"")
        assert answer.headers["Location"] == PATH + digest_of(body)
        assert answer.headers["Docker-Content-Digest"] == digest_of(body)
        assert "OCI-Subject" not in answer.headers
        assert not answer.all("Warning")


async def test_a_charset_is_ignored(registry: Served) -> None:
    await registry.push_blob("team/app", b"{}")
    media_type = f"{image.OCI_MANIFEST}; charset=utf-8"
    answer = await registry.push_manifest("team/app", "1.0", manifest_of(), media_type)
    assert answer.status == 201
    assert len(answer.all("Warning")) == 1
    got = await registry.ask("GET", PATH + "1.0")
    assert got.headers["Content-Type"] == image.OCI_MANIFEST


async def test_a_subject_is_acknowledged(registry: Served) -> None:
    subject = await registry.push_image("team/app", "1.0")
    named = {"mediaType": image.OCI_MANIFEST, "digest": digest_of(subject), "size": 1}
    answer = await registry.push_manifest("team/app", "", manifest_of(subject=named))
    assert answer.status == 201
    assert answer.headers["OCI-Subject"] == digest_of(subject)


async def test_tags_in_the_query(registry: Served) -> None:
    await registry.push_blob("team/app", b"{}")
    body = manifest_of()
    path = f"{PATH}{digest_of(body)}?tag=1&tag=1.0&tag=latest"
    answer = await registry.ask("PUT", path, body, {"Content-Type": image.OCI_MANIFEST})
    assert (answer.status, answer.all("OCI-Tag")) == (201, ["1", "1.0", "latest"])
    for tag in ("1", "1.0", "latest"):
        got = await registry.ask("HEAD", PATH + tag)
        assert got.headers["Docker-Content-Digest"] == digest_of(body)


async def test_tags_in_the_query_count_only_beside_a_digest(registry: Served) -> None:
    await registry.push_blob("team/app", b"{}")
    answer = await registry.push_manifest("team/app", "1?tag=2", manifest_of())
    assert (answer.status, answer.all("OCI-Tag")) == (201, [])
    assert (await registry.ask("HEAD", PATH + "2")).status == 404


@pytest.mark.parametrize(
    ("reference", "body", "status", "code"),
    [
        ("/tag".strip("/") + "!", manifest_of(), 400, "TAG_INVALID"),
        ("1.0", b"no JSON", 400, "MANIFEST_INVALID"),
        ("1.0", b"", 400, "MANIFEST_INVALID"),
        ("1.0", manifest_of(b"missing"), 400, "MANIFEST_BLOB_UNKNOWN"),
        ("1.0", index_of(b"missing"), 400, "MANIFEST_BLOB_UNKNOWN"),
        ("sha256:" + "0" * 64, manifest_of(), 400, "DIGEST_INVALID"),
        ("sha256:0", manifest_of(), 400, "DIGEST_INVALID"),
        (digest_of(manifest_of()) + "?tag=!", manifest_of(), 400, "TAG_INVALID"),
    ],
)
async def test_what_cannot_be_put(
    registry: Served, reference: str, body: bytes, status: int, code: str
) -> None:
    await registry.push_blob("team/app", b"{}")
    answer = await registry.push_manifest("team/app", reference, body, "")
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_manifest_that_is_too_large(tmp_path: Path, chunked: bool) -> None:
    limits = Limits(manifest_bytes=1000)

    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b" " * 100

    async with running_registry(tmp_path, Serving(limits)) as served:
        body = pieces() if chunked else b" " * 2000
        answer = await served.push_manifest("a", "1", body)  # type: ignore[arg-type]
        assert (answer.status, answer.code) == (413, "SIZE_INVALID")


async def test_other_algorithms(registry: Served) -> None:
    await registry.push_blob("team/app", b"{}")
    body = json.dumps(json.loads(manifest_of())).encode()
    digest = f"sha512:{hashlib.sha512(body).hexdigest()}"
    answer = await registry.push_manifest("team/app", digest, body)
    assert answer.headers["Docker-Content-Digest"] == digest
    got = await registry.ask("GET", PATH + digest)
    assert (got.body, got.headers["Docker-Content-Digest"]) == (body, digest)


async def test_delete(registry: Served) -> None:
    body = await registry.push_image("team/app", "1")
    await registry.push_manifest("team/app", "2", body)
    assert (await registry.ask("DELETE", PATH + "1")).status == 202
    assert (await registry.ask("HEAD", PATH + "1")).status == 404
    assert (await registry.ask("HEAD", PATH + "2")).status == 200
    assert (await registry.ask("DELETE", PATH + digest_of(body))).status == 202
    assert (await registry.ask("HEAD", PATH + "2")).status == 404
    assert (await registry.ask("DELETE", PATH + digest_of(body))).status == 404


async def test_other_methods(registry: Served) -> None:
    answer = await registry.ask("POST", PATH + "1", b"x")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, PUT, DELETE")
