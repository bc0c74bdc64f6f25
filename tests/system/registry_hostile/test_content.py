"""Content that is not what it says: digests, lengths, ranges, manifests of every wrong shape."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from typing import Any

import pytest

from fixtures.hostile_place import (
    DATA,
    MORE_MEMORY,
    Place,
    upload_target,
)
from fixtures.raw_http import described, digest_of, head, manifest_of, wired
from wherry.oci import image

# digests and lengths


@pytest.mark.parametrize(
    "digest",
    [
        digest_of(b"other"),
        "sha256:" + "A" * 64,
        "sha256:abc",
        "sha256:",
        ":",
        "",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:" + "0" * 1000,
        "sha512:" + "0" * 64,
        "sha256:../../../../etc/passwd",
        "sha256:%2e%2e%2f" + "0" * 55,
        "sha256:" + "0" * 63 + "%00",
        digest_of(DATA) + "," + digest_of(DATA),
        "sha256+b64:" + "0" * 64,
    ],
)
def test_bytes_that_are_not_those_of_their_digest_are_not_taken(place: Place, digest: str) -> None:
    wrong = b"not what was announced"
    at_once = place.stranger.ask("POST", f"/v2/app/blobs/uploads/?digest={digest}", wrong)
    assert at_once.status in (202, 400)  # without a digest it begins an upload
    location = place.stranger.begin("app")
    place.stranger.ask("PATCH", location, wrong)
    finished = place.stranger.ask("PUT", upload_target(location, digest))
    assert (finished.status, finished.code) == (400, "DIGEST_INVALID")
    assert place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(wrong)}").status == 404


@pytest.mark.parametrize("share", [0, 0.5, 0.999])
def test_a_body_that_ends_too_early_is_not_taken(place: Place, share: float) -> None:
    data = os.urandom(10_000)
    target = f"/v2/app/blobs/uploads/?digest={digest_of(data)}"
    with wired(place.address) as wire:
        wire.send(head("POST", target, {"Content-Length": len(data)}))
        wire.send(data[: int(len(data) * share)])
        wire.finish()
        reply = wire.reply("POST")
    assert reply is None or reply.status in (400, 408, 499)
    assert place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(data)}").status == 404


def test_what_comes_after_a_body_is_not_part_of_it(place: Place) -> None:
    data = os.urandom(10_000)
    target = f"/v2/app/blobs/uploads/?digest={digest_of(data)}"
    with wired(place.address) as wire:
        wire.send(head("POST", target, {"Content-Length": 9_999}), data)
        reply = wire.reply("POST")
    # Told of the wrong digest, or of what comes next, which is no request.
    assert reply is not None
    assert reply.status == 400
    assert place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(data)}").status == 404


@pytest.mark.parametrize(
    "length",
    ["-1", "+5", "1e3", "0x10", "9" * 20, "9" * 5000, "5, 5", "5 5", "\u0665", "5;", "NaN", " "],
)
def test_lengths_that_are_none_are_refused(place: Place, length: str) -> None:
    request = head("POST", "/v2/app/blobs/uploads/", {"Content-Length": length})
    reply = place.stranger.send(request, b"hello")
    assert reply is None or reply.status in (400, 413)


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n",
        b"f" * 10_000 + b"\r\nhello",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"5\r\nhel",
        b"\r\n\r\n",
        b"0\r\n" + b"Trailer: x\r\n" * 20_000 + b"\r\n",
        b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_chunks_that_are_none_are_not_taken(place: Place, body: bytes) -> None:
    location = place.stranger.begin("app")
    chunked = {"Transfer-Encoding": "chunked"}
    with wired(place.address) as wire:
        wire.send(head("PUT", upload_target(location, digest_of(b"hello!!")), chunked), body)
        wire.finish()
        reply = wire.reply("PUT")
    assert reply is None or reply.status in (400, 404, 408, 499)
    assert place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(b'hello!!')}").status == 404


# ranges of blobs


@pytest.mark.parametrize(
    ("span", "status", "sent"),
    [
        ("bytes=0-0", 206, DATA[:1]),
        ("bytes=1000-", 206, DATA[1000:]),
        ("bytes=-24", 206, DATA[-24:]),
        ("bytes=0-999999999999999", 206, DATA),
        ("bytes=-999999999999999", 206, DATA),
        ("bytes=1024-", 416, None),
        ("bytes=999999999999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-3", 416, None),
        ("bytes=--1", 416, None),
        ("bytes=18446744073709551616-18446744073709551617", 416, None),
        ("bytes=a-b", 416, None),
        ("bytes=\u0661-\u0662", 416, None),
        ("bytes=0-1,5-6", 200, DATA),
        ("bytes=" + "0-," * 3000, 200, DATA),
        ("items=0-1", 200, DATA),
        ("bytes", 416, None),
        ("=", 200, DATA),
    ],
)
def test_ranges_give_what_there_is(
    place: Place, span: str, status: int, sent: bytes | None
) -> None:
    reply = place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(DATA)}", Range=span)
    assert reply.status == status
    if sent is not None:
        assert reply.body == sent


# manifests


def _deep(opening: str, closing: str, depth: int) -> bytes:
    return (opening * depth + closing * depth).encode()


def _with(**fields: Any) -> bytes:
    return manifest_of(b"{}", DATA, **fields)


SHAPES: Mapping[str, bytes] = {
    "nothing": b"",
    "spaces": b" " * 1000,
    "null": b"null",
    "list": b"[]",
    "text": b'"text"',
    "number": b"1e999999",
    "long number": b"1" * 100_000,
    "half": b'{"schemaVersion": 2',
    "more": b"{}{}",
    "nul": b'{"a": "\x00"}',
    "no utf-8": b'{"a": "\xff\xfe"}',
    "utf-16": '{"schemaVersion": 2}'.encode("utf-16"),
    "surrogate": b'{"schemaVersion": 2, "a": "\\ud800"}',
    "nan": b'{"schemaVersion": NaN}',
    "deep lists": _deep("[", "]", 100_000),
    "deep objects": _deep('{"a":', "}", 100_000).replace(b":}", b":1}", 1),
    "deep inside": b'{"schemaVersion": 2, "annotations": ' + _deep("[", "]", 50_000) + b"}",
    "empty": b"{}",
    "schema 1": b'{"schemaVersion": 1, "name": "a", "tag": "1", "fsLayers": [], "history": []}',
    "schema of text": b'{"schemaVersion": "2"}',
    "huge schema": b'{"schemaVersion": ' + b"9" * 400 + b"}",
    "config is a list": _with(config=[]),
    "config is null": _with(config=None),
    "config is text": _with(config="sha256:"),
    "layers is an object": _with(layers={}),
    "layers are texts": _with(layers=["a", "b"]),
    "a layer is null": _with(layers=[None]),
    "negative size": _with(layers=[{**described(image.OCI_LAYER, DATA), "size": -1}]),
    "huge size": _with(layers=[{**described(image.OCI_LAYER, DATA), "size": 10**30}]),
    "size of 2**63": _with(layers=[{**described(image.OCI_LAYER, DATA), "size": 2**63}]),
    "half a byte": _with(layers=[{**described(image.OCI_LAYER, DATA), "size": 0.5}]),
    "size of text": _with(layers=[{**described(image.OCI_LAYER, DATA), "size": "1"}]),
    "no digest": _with(layers=[{"mediaType": image.OCI_LAYER, "size": 1}]),
    "path as digest": _with(layers=[{**described(image.OCI_LAYER, DATA), "digest": "../../x"}]),
    "no media type": _with(layers=[{"digest": digest_of(DATA), "size": len(DATA)}]),
    "other media type": _with(mediaType=image.OCI_INDEX),
    "media type of list": _with(mediaType=[]),
    "unknown blob": _with(layers=[described(image.OCI_LAYER, b"unknown")]),
    "many blobs": _with(layers=[described(image.OCI_LAYER, b"%d" % n) for n in range(5000)]),
    "annotations of numbers": _with(annotations={"a": 1}),
    "annotations of lists": _with(annotations=[]),
    "subject of text": _with(subject="a"),
    "subject of nothing": _with(subject={}),
    "twice": manifest_of(b"{}", DATA)[:-1] + b', "layers": []}',
    "two spellings": manifest_of(b"{}", DATA)[:-1] + b', "Layers": []}',
    "gzip": gzip.compress(b"[" * 10_000_000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_manifests_that_are_none_are_refused(place: Place, shape: str) -> None:
    place.stranger.push_blob("app", b"{}")
    for media_type in (image.OCI_MANIFEST, image.OCI_INDEX, image.DOCKER_MANIFEST):
        reply = place.stranger.push_manifest("app", "shape", SHAPES[shape], media_type)
        assert reply.status in (400, 413), (media_type, reply)
    assert place.stranger.ask("GET", "/v2/app/manifests/shape").status == 404


@pytest.mark.parametrize(
    "media_type", ["", "text/html", "application/json", "x", "a" * 5000, "a/b;" * 500, "\x01/\x02"]
)
def test_manifests_of_other_types_are_refused(place: Place, media_type: str) -> None:
    body = _with(mediaType="application/x-other")
    reply = place.stranger.try_ask("PUT", "/v2/app/manifests/typed", body, Content_Type=media_type)
    assert reply is None or reply.status in (400, 415)


def test_manifests_beyond_the_limit_are_refused_before_they_come(place: Place) -> None:
    larger = {"Content-Length": 1 << 40, "Content-Type": image.OCI_MANIFEST}
    reply = place.stranger.send(head("PUT", "/v2/app/manifests/large", larger))
    assert reply is not None
    assert (reply.status, reply.code) == (413, "SIZE_INVALID")
    endless = b"10000\r\n" + b" " * (1 << 16) + b"\r\n"
    chunked = {"Transfer-Encoding": "chunked", "Content-Type": image.OCI_MANIFEST}
    with wired(place.address) as wire:
        wire.send(head("PUT", "/v2/app/manifests/large", chunked), *[endless] * 20)
        reply = wire.reply("PUT")
    assert reply is None or reply.status == 413


def test_a_compressed_manifest_is_not_unpacked(place: Place) -> None:
    body = gzip.compress(manifest_of(b"{}", DATA))
    reply = place.stranger.ask(
        "PUT",
        "/v2/app/manifests/packed",
        body,
        Content_Type=image.OCI_MANIFEST,
        Content_Encoding="gzip",
    )
    assert reply.status in (400, 415)


def test_a_manifest_that_goes_to_the_limit_is_no_trouble(place: Place) -> None:
    before = place.memory()
    notes = {f"key{number}": "x" * 1000 for number in range(900)}
    place.stranger.push_image("notes", "1", DATA, annotations=notes)
    for _ in range(20):
        assert place.stranger.ask("GET", "/r/notes/tags/1").status == 200
        assert place.stranger.ask("GET", "/v2/notes/manifests/1").status == 200
    assert place.memory() - before < MORE_MEMORY
