"""Uploads of killed writers: signatures, pages, and stores that do not show them."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from aiohttp import web

from fixtures.web import serving
from wherry.base.crossing import in_thread
from wherry.registry.blobdrivers.unfinished import (
    Keys,
    UnfinishedUploads,
    UploadsHiddenError,
    keys_of,
    signed,
)
from wherry.registry.server.settings import ObjectStorage

STORAGE = ObjectStorage("blobs", access_key="AKIDEXAMPLE", secret_key="topsecret")
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_signature_of_amazons_own_example() -> None:
    """GET Bucket Lifecycle, from "Authenticating Requests: Using the Authorization Header"."""
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    now = datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC)
    headers = signed(
        keys, "us-east-1", "GET https://examplebucket.s3.amazonaws.com/?lifecycle=", now
    )
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert headers["x-amz-content-sha256"] == EMPTY
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )


def test_where_keys_come_from() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    bare = ObjectStorage("blobs")
    assert keys_of(STORAGE, environment) == Keys("AKIDEXAMPLE", "topsecret")
    assert keys_of(bare, environment) == Keys("a", "s")
    assert keys_of(bare, {**environment, "AWS_SESSION_TOKEN": "t"}) == Keys("a", "s", "t")
    assert keys_of(bare, {}) is None
    assert "topsecret" not in repr(keys_of(STORAGE, {}))


def page(entries: list[tuple[str, str]], following: str = "") -> str:
    """A page of uploads, with markers of the next when there is one."""
    uploads = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{upload}</UploadId></Upload>" for key, upload in entries
    )
    more = (
        f"<IsTruncated>true</IsTruncated><NextKeyMarker>{following}</NextKeyMarker>"
        "<NextUploadIdMarker>m+1</NextUploadIdMarker>"
        if following
        else "<IsTruncated>false</IsTruncated>"
    )
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return (
        f'<ListMultipartUploadsResult xmlns="{space}">{more}{uploads}</ListMultipartUploadsResult>'
    )


async def test_pages_and_aborting() -> None:
    async def store(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            return web.Response(status=204)
        if "key-marker" in request.query:
            assert request.query["key-marker"] == "p/objects/b&c"
            assert request.query["upload-id-marker"] == "m+1"
            return web.Response(text=page([("p/objects/b", "3"), ("p/objects/c", "4/+")]))
        assert request.query["prefix"] == "p/objects/"
        return web.Response(
            text=page([("p/objects/a", "1"), ("p/objects/b", "2")], "p/objects/b&amp;c")
        )

    async with serving(store) as server:
        storage = replace(STORAGE, endpoint=f"http://{server.address}")
        uploads = UnfinishedUploads(storage, "p/objects/", 10)
        await in_thread(uploads.abort, {"p/objects/b", "p/objects/c"})
        await in_thread(uploads.abort, {"p/objects/x"})
        await in_thread(uploads.abort, set[str]())
        assert server.paths("DELETE") == [
            "/blobs/p/objects/b?uploadId=2",
            "/blobs/p/objects/b?uploadId=3",
            "/blobs/p/objects/c?uploadId=4%2F%2B",
        ]
        assert len(server.paths("GET")) == 4


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (403, "<Code>AccessDenied</Code>", UploadsHiddenError),
        (501, "<Code>NotImplemented</Code>", UploadsHiddenError),
        (404, "<Code>NoSuchBucket</Code>", UploadsHiddenError),
        (503, "<Code>SlowDown</Code>", OSError),
        (200, "not XML", ValueError),
    ],
)
async def test_refusals(status: int, text: str, expected: type[Exception]) -> None:
    async def store(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    async with serving(store) as server:
        storage = replace(STORAGE, endpoint=f"http://{server.address}")
        uploads = UnfinishedUploads(storage, "objects/", 10)
        with pytest.raises(expected):
            await in_thread(uploads.abort, {"objects/a"})


async def test_one_that_has_just_ended_is_no_error() -> None:
    async def store(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            return web.Response(status=404, text="<Code>NoSuchUpload</Code>")
        return web.Response(text=page([("objects/a", "1")]))

    async with serving(store) as server:
        storage = replace(STORAGE, endpoint=f"http://{server.address}")
        await in_thread(UnfinishedUploads(storage, "objects/", 10).abort, {"objects/a"})


def test_without_keys_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    uploads = UnfinishedUploads(ObjectStorage("b", "http://127.0.0.1:1"), "objects/", 1)
    uploads.abort({"objects/a"})
