"""Requests that are none, lead elsewhere, or come out of order."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Mapping

import pytest

from fixtures.hostile_place import (
    DATA,
    NOBODY,
    PAGE,
    Place,
    upload_target,
)
from fixtures.raw_http import digest_of, head, wired

# names


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../..",
        "../../../../etc",
        "a/../b",
        "a/./b",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fetc",
        "a%2fb",
        "a%00b",
        "a%0ab",
        "a%0d%0aX-Evil:%201",
        "a//b",
        "/a",
        "//etc/passwd",
        "a/",
        "a" * 5000,
        "a/" * 200 + "a",
        "%ff%fe",
        "é",
        "%C3%A9",
        "%E2%80%AE",
        "\u202e",
        "A",
        "a b",
        "a%20b",
        "a%",
        "a%zz",
        "a\\b",
        "a%5c..%5cb",
        ".a",
        "a.",
        "a;b",
        "~",
        "a'--",
        '"><script>',
        "%25%32%66",
    ],
)
def test_names_lead_nowhere(place: Place, name: str) -> None:
    outside = place.outside()
    targets = [
        ("GET", f"/v2/{name}/tags/list"),
        ("GET", f"/v2/{name}/manifests/1"),
        ("PUT", f"/v2/{name}/manifests/1"),
        ("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(b'x')}"),
        ("POST", f"/v2/app/blobs/uploads/?mount={digest_of(DATA)}&from={name}"),
        ("GET", f"/r/{name}"),
        ("GET", f"/r/app/tags/{name}"),
        ("GET", f"/static/{name}/{name}"),
        ("GET", f"/v2/app/manifests/{name}"),
        ("PUT", f"/v2/app/manifests/{name}"),
        ("GET", f"/v2/app/blobs/{name}"),
        ("PATCH", f"/v2/app/blobs/uploads/{name}"),
        ("GET", f"/v2/app/referrers/{name}"),
    ]
    for method, target in targets:
        reply = place.stranger.try_ask(method, target, b"x" if method != "GET" else b"")
        if reply is not None:
            mounted = method == "POST" and "mount=" in target
            assert reply.status in ((202, 400) if mounted else (303, 400, 401, 404, 405)), target[
                :200
            ]
            assert "x-evil" not in reply.headers
    assert place.outside() == outside


# heads of requests


def _raw(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


HEADS: Mapping[str, bytes] = {
    "two lengths": _raw(
        "POST /v2/app/blobs/uploads/ HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 6"
    )
    + b"hello",
    "two equal lengths": _raw(
        "POST /v2/app/blobs/uploads/ HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 5"
    )
    + b"hello",
    "length and chunks": _raw(
        "POST /v2/app/blobs/uploads/ HTTP/1.1",
        "Host: a",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
    )
    + b"0\r\n\r\n",
    "chunks in disguise": _raw(
        "POST /v2/app/blobs/uploads/ HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked"
    )
    + b"0\r\n\r\n",
    "chunks twice": _raw(
        "POST /v2/app/blobs/uploads/ HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, chunked"
    )
    + b"0\r\n\r\n",
    "space before the colon": _raw("GET /v2/ HTTP/1.1", "Host : a"),
    "folded": _raw("GET /v2/ HTTP/1.1", "Host: a", "X: b", " c"),
    "nul": _raw("GET /v2/ HTTP/1.1", "Host: a", "X: \0"),
    "no colon": _raw("GET /v2/ HTTP/1.1", "Host: a", "nonsense"),
    "no name": _raw("GET /v2/ HTTP/1.1", "Host: a", ": a"),
    "two hosts": _raw("GET /v2/ HTTP/1.1", "Host: a", "Host: b"),
    "no version": b"GET /v2/\r\n\r\n",
    "version 3": _raw("GET /v2/ HTTP/3.0", "Host: a"),
    "no such version": _raw("GET /v2/ HTTP/1.10", "Host: a"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "garbage": bytes(range(256)) * 20,
    "nothing": b"\r\n" * 1000,
    "long target": _raw(f"GET /v2/{'a' * 100_000} HTTP/1.1", "Host: a"),
    "long method": _raw(f"{'G' * 100_000} /v2/ HTTP/1.1", "Host: a"),
    "strange method": _raw("G<>T /v2/ HTTP/1.1", "Host: a"),
    "long header": _raw("GET /v2/ HTTP/1.1", "Host: a", f"X: {'a' * 1_000_000}"),
    "long name": _raw("GET /v2/ HTTP/1.1", "Host: a", f"{'a' * 1_000_000}: x"),
    "many headers": _raw("GET /v2/ HTTP/1.1", "Host: a", *[f"X{n}: {n}" for n in range(50_000)]),
    "never ending": b"GET /v2/ HTTP/1.1\r\n" + b"X: a\r\n" * 200_000,
    "no path": _raw("GET * HTTP/1.1", "Host: a"),
    "an authority": _raw("CONNECT example.com:443 HTTP/1.1", "Host: a"),
    "a whole address": _raw("GET http://evil.example/v2/ HTTP/1.1", "Host: a"),
    "half an address": _raw("GET http:// HTTP/1.1", "Host: a"),
    "a broken address": _raw("GET http://[::1/v2/ HTTP/1.1", "Host: a"),
    "another scheme": _raw("GET file:///etc/passwd HTTP/1.1", "Host: a"),
    "upgrade": _raw("GET /v2/ HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket"),
    "expectation": _raw("GET /v2/ HTTP/1.1", "Host: a", "Expect: the-impossible"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_heads_that_are_none_do_no_harm(place: Place, kind: str) -> None:
    with wired(place.address) as wire:
        wire.send(HEADS[kind])
        wire.finish()
        reply = wire.reply()
    assert reply is None or 200 <= reply.status < 500, reply


@pytest.mark.parametrize(
    "kind", ["two lengths", "length and chunks", "chunks in disguise", "chunks twice"]
)
def test_a_body_that_can_be_read_in_two_ways_is_not_read(place: Place, kind: str) -> None:
    following = head("GET", "/v2/app/tags/list")
    with wired(place.address) as wire:
        wire.send(HEADS[kind], following)
        wire.finish()
        first = wire.reply()
        assert first is None or first.status in (400, 501)
        assert wire.reply() is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "[",
        "]",
        "[::1",
        "a b",
        "a\tb",
        "é",
        "a/b",
        "a@b",
        "a?b",
        "a" * 10_000,
        "a:99999",
        '"',
        ":",
    ],
)
def test_hosts_that_are_none_do_no_harm(place: Place, host: str) -> None:
    for target in ("/v2/", "/", "/r/app", "/login", "/token"):
        reply = place.stranger.send(_raw(f"GET {target} HTTP/1.1", f"Host: {host}"))
        assert reply is None or reply.status in (200, 303, 400, 401), target
        if reply and host and host in '["]':
            assert f"//{host}" not in str(reply.headers)


# requests that come out of order


def test_an_upload_that_has_ended_is_gone(place: Place) -> None:
    client = place.stranger
    location = client.begin("app")
    data = os.urandom(100)
    assert client.ask("PUT", upload_target(location, digest_of(data))).status == 400
    assert client.ask("PATCH", location, data).status == 404
    location = client.begin("app")
    assert client.ask("PATCH", location, data).status == 202
    assert client.ask("PUT", upload_target(location, digest_of(data))).status == 201
    for method in ("PATCH", "PUT", "GET", "DELETE"):
        reply = client.ask(method, upload_target(location, digest_of(data)), b"x")
        assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_of_another_repository_is_not_there(place: Place) -> None:
    location = place.stranger.begin("app").replace("/v2/app/", "/v2/other/")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert place.stranger.ask(method, upload_target(location, NOBODY), b"x").status == 404


@pytest.mark.parametrize(
    "query",
    [
        f"mount={NOBODY}",
        f"mount={NOBODY}&from=app",
        f"mount={NOBODY}&from=nothing",
        f"mount={digest_of(DATA)}&from=private/plan",
        f"mount={digest_of(b'secret')}&from=private/plan",
        f"mount={digest_of(b'secret')}&from=../private/plan",
        f"mount={digest_of(b'secret')}",
        f"mount={NOBODY}&from=%00",
        f"mount={NOBODY}&from=" + "a" * 5000,
    ],
)
def test_what_cannot_be_mounted_is_uploaded(place: Place, query: str) -> None:
    reply = place.stranger.ask("POST", f"/v2/mine/blobs/uploads/?{query}")
    assert reply.status == 202
    assert place.stranger.ask("GET", f"/v2/mine/blobs/{digest_of(b'secret')}").status == 404


@pytest.mark.parametrize(
    ("span", "status"),
    [
        ("5-9", 416),
        ("0-3", 400),
        ("0-5", 400),
        ("4-0", 416),
        ("bytes 1-5/5", 416),
        ("-5", 400),
        ("0-", 400),
        ("a-b", 400),
        ("0-18446744073709551616", 400),
        ("99999999999999999999-99999999999999999999", 400),
        ("0-4,5-9", 400),
        ("0-4" * 1000, 400),
    ],
)
def test_chunks_of_other_ranges_are_refused(place: Place, span: str, status: int) -> None:
    location = place.stranger.begin("app")
    reply = place.stranger.ask("PATCH", location, b"hello", Content_Range=span)
    assert reply.status == status
    assert place.stranger.ask("GET", location).headers["range"] == "0-0"


# long lists


def test_ten_thousand_tags_come_in_pages(place: Place) -> None:
    digest = place.stranger.push_image("many", "first", DATA)
    add_tags(place, "many", digest, 10_000)
    found: list[str] = []
    target = "/v2/many/tags/list"
    pages = 0
    while target:
        reply = place.stranger.ask("GET", target)
        tags = reply.json()["tags"]
        assert len(tags) <= PAGE
        found += tags
        pages += 1
        link = reply.headers.get("link", "")
        target = link[1:].partition(">")[0]
    assert len(found) == 10_001
    assert found == sorted(set(found))
    assert pages <= 12
    assert len(place.stranger.ask("GET", "/v2/many/tags/list?n=999999999").json()["tags"]) == PAGE
    page = place.stranger.ask("GET", "/r/many")
    assert page.status == 200
    assert len(page.body) < 200_000


def add_tags(place: Place, name: str, digest: str, count: int) -> None:
    """Have a repository have tags, without as many requests."""
    (file,) = place.registry.root.rglob("*.db")
    rows = [(name, f"t{number:05}", digest, time.time()) for number in range(count)]
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database, database:
        database.executemany("INSERT INTO tags VALUES (?, ?, ?, ?)", rows)


@pytest.mark.parametrize(
    "query",
    ["n=-1", "n=a", "n=1.5", "n=1e3", "n=\u0665", "n=%00", "n=+1", "n=%ff", "n=0x1", "&" * 5000],
)
def test_pages_that_are_none_are_refused(place: Place, query: str) -> None:
    for target in ("/v2/app/tags/list", "/v2/_catalog"):
        client = place.ann if "catalog" in target else place.stranger
        assert client.ask("GET", f"{target}?{query}").status in (200, 400)
        nowhere = client.ask("GET", f"{target}?last=%00%ff&n=5")
        assert nowhere.status in (200, 400)
