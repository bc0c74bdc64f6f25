"""Referrers over HTTP."""

from __future__ import annotations

import json

import pytest

from fixtures.registry_server import Served, digest_of, manifest_of
from wherry.oci import image
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.registry.server.http.referrers import PAGE_BYTES, page_of

SUBJECT = digest_of(b"subject")
PATH = f"/v2/a/referrers/{SUBJECT}"


async def refer(registry: Served, kind: str) -> bytes:
    """Push something that refers to the subject."""
    await registry.push_blob("a", b"{}")
    named = {"mediaType": image.OCI_MANIFEST, "digest": SUBJECT, "size": 7}
    body = manifest_of(subject=named, artifactType=kind, annotations={"kind": kind})
    assert (await registry.push_manifest("a", "", body)).status == 201
    return body


async def test_none(registry: Served) -> None:
    answer = await registry.ask("GET", PATH)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == image.OCI_INDEX
    empty = {"schemaVersion": 2, "mediaType": image.OCI_INDEX, "manifests": []}
    assert answer.json() == empty
    assert "OCI-Filters-Applied" not in answer.headers


async def test_some(registry: Served) -> None:
    bodies = {kind: await refer(registry, kind) for kind in ("x/sbom", "x/signature")}
    answer = await registry.ask("GET", PATH)
    found = {one["artifactType"]: one for one in answer.json()["manifests"]}
    assert found == {
        kind: {
            "mediaType": image.OCI_MANIFEST,
            "digest": digest_of(body),
            "size": len(body),
            "annotations": {"kind": kind},
            "artifactType": kind,
        }
        for kind, body in bodies.items()
    }


@pytest.mark.parametrize(
    ("kind", "count"), [("x/sbom", 1), ("x%2Fsbom", 1), ("x/other", 0), ("x/sbom%20", 0)]
)
async def test_a_filter(registry: Served, kind: str, count: int) -> None:
    for sent in ("x/sbom", "x/signature"):
        await refer(registry, sent)
    answer = await registry.ask("GET", f"{PATH}?artifactType={kind}")
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert len(answer.json()["manifests"]) == count


@pytest.mark.parametrize("digest", ["", "x", "sha256:0"])
async def test_no_digest(registry: Served, digest: str) -> None:
    answer = await registry.ask("GET", f"/v2/a/referrers/{digest}")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


def descriptor(number: int, size: int = 1000) -> Descriptor:
    digest = Digest(digest_of(str(number).encode()))
    return Descriptor(image.OCI_MANIFEST, digest, 1, annotations={"x": "y" * size})


def test_a_long_list_comes_in_pages() -> None:
    found = [descriptor(number, 100_000) for number in range(100)]
    seen: list[bytes] = []
    after, pages = "", 0
    while pages == 0 or after:
        shown, after = page_of(found, after)
        assert sum(map(len, shown)) <= PAGE_BYTES
        seen += shown
        pages += 1
    assert pages == 4
    assert [json.loads(one)["digest"] for one in seen] == [one.digest for one in found]


def test_one_that_is_larger_than_a_page_has_one_of_its_own() -> None:
    found = [descriptor(number, PAGE_BYTES) for number in range(2)]
    shown, after = page_of(found, "")
    assert (len(shown), after) == (1, found[0].digest)
    assert page_of(found, after)[1] == ""


def test_where_the_page_ended_has_been_deleted() -> None:
    shown, _ = page_of([descriptor(1)], digest_of(b"deleted"))
    assert len(shown) == 1
