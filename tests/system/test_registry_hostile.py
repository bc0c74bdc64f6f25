"""Clients that mean no good, against a registry as a process of its own.

Whatever they send: no fault of the registry's own (5xx, a traceback), nothing taken that was not
whole, no file outside its root, no memory and no descriptors that stay taken, and everybody else is
served meanwhile.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from fixtures.page_visits import PASSWORDS, write_accounts
from fixtures.raw_http import (
    RawClient,
    Reply,
    Wire,
    described,
    digest_of,
    head,
    manifest_of,
    wired,
)
from fixtures.registry_fuzz import Fuzzer
from fixtures.waiting import eventually
from fixtures.wherry_registry import WherryRegistry, running_wherry_registry
from wherry.oci import image

STALL = 1
MANIFEST_BYTES = 1 << 20
PAGE = 1000
SETTINGS = f"""
[listen]
address = "127.0.0.1"
port = {{port}}

[limits]
stall = "{STALL}s"
manifest_bytes = {MANIFEST_BYTES}
page = {PAGE}

[access]
htpasswd = "ACCOUNTS"

[access.rates]
logins = 0

[[access.rule]]
repositories = ["private/*"]
pull = ["ann"]
push = ["ann"]
delete = ["ann"]

[[access.rule]]
repositories = ["*"]
pull = ["anyone"]
push = ["anyone"]
delete = ["anyone"]
"""
FUZZ_REQUESTS = int(os.environ.get("WHERRY_FUZZ_REQUESTS", "2000"))
FUZZ_SEED = int(os.environ.get("WHERRY_FUZZ_SEED", "20260101"))
MORE_MEMORY = 100 << 20
DATA = bytes(range(256)) * 4
NOBODY = "sha256:" + "0" * 64


@dataclass
class Place:
    """A registry, a stranger who may use all but `private/*`, and ann, who may use that."""

    registry: WherryRegistry
    stranger: RawClient
    ann: RawClient

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.stranger.address

    def descriptors(self) -> int:
        """Return how many descriptors the process has open."""
        return len(os.listdir(f"/proc/{self.registry.pid}/fd"))

    def memory(self) -> int:
        """Return how much memory the process has, in bytes."""
        status = Path(f"/proc/{self.registry.pid}/status").read_text()
        (line,) = [one for one in status.splitlines() if one.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    def outside(self) -> set[str]:
        """Return every file near the registry that is none of its own."""
        folder, root = self.registry.folder, self.registry.root
        found = {str(path) for path in folder.parent.rglob("*")}
        return {path for path in found if not path.startswith(f"{root}/")}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a registry that has to be none the worse in the end."""
    folder = tmp_path_factory.mktemp("hostile")
    write_accounts(folder / "accounts", PASSWORDS)
    text = SETTINGS.replace("ACCOUNTS", str(folder / "accounts"))
    with running_wherry_registry(folder / "registry", text) as registry:
        address = ("127.0.0.1", registry.port)
        given = base64.b64encode(f"ann:{PASSWORDS['ann']}".encode()).decode()
        found = Place(registry, RawClient(address), RawClient(address, f"Basic {given}"))
        found.ann.push_image("private/plan", "1", b"secret")
        found.stranger.push_image("app", "1", DATA)
        outside = found.outside()
        yield found
        assert found.outside() == outside
        assert registry.stop() == 0
        assert troubles(registry.log.read_text(errors="replace")) == []


@pytest.fixture
def place(running: Place) -> Iterator[Place]:
    """Give each test the registry, which has to serve others as before, with no more open."""
    before = running.descriptors()
    yield running
    assert running.stranger.ask("GET", f"/v2/app/blobs/{digest_of(DATA)}").body == DATA
    eventually(lambda: running.descriptors() <= before + 5)


def troubles(log: str) -> list[str]:
    """Return the lines of a log that tell of a fault of the registry's own."""
    words = ("Traceback", " ERROR ", " CRITICAL ", '"status":500', "never awaited", "Unclosed")
    return [line for line in log.splitlines() if any(word in line for word in words)]


def upload_target(location: str, digest: str) -> str:
    """Return where an upload is finished."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


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


@pytest.mark.parametrize("target", [f"/v2/app/blobs/uploads/?digest={digest_of(DATA)}x", "PUT"])
@pytest.mark.parametrize("sent", [b"", DATA[:500], DATA + b"x"])
def test_a_body_of_another_length_is_not_taken(place: Place, target: str, sent: bytes) -> None:
    fresh = os.urandom(8) + DATA
    digest = digest_of(fresh)
    target = f"/v2/app/blobs/uploads/?digest={digest}"
    length = {"Content-Length": len(fresh)}
    with wired(place.address) as wire:
        wire.send(head("POST", target, length), fresh[: len(sent)])
        wire.finish()
        reply = wire.reply("POST")
    assert reply is None or reply.status in (400, 408, 499)
    assert place.stranger.ask("GET", f"/v2/app/blobs/{digest}").status == 404


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


# clients that are slow, or go away


def test_those_who_send_nothing_more_are_left(place: Place) -> None:
    location = place.stranger.begin("app")
    announced = {"Content-Length": 1000}
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wired(place.address)) for _ in range(20)]
        for wire in wires:
            wire.send(head("PATCH", location, announced), b"x")
        assert place.stranger.ask("GET", "/v2/app/tags/list").status == 200
        replies = [wire.reply("PATCH") for wire in wires]
    assert {reply.status for reply in replies if reply} <= {408, 409, 416, 499}
    assert place.stranger.ask("GET", location).status in (204, 404)


def test_those_who_are_slow_are_waited_for(place: Place) -> None:
    digest = digest_of(b"slow")
    target = f"/v2/app/blobs/uploads/?digest={digest}"
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wired(place.address)) for _ in range(20)]
        for wire in wires:
            wire.send(head("POST", target, {"Content-Length": 4}))
        for byte in (b"s", b"l", b"o", b"w"):
            time.sleep(0.5 * STALL)
            for wire in wires:
                wire.send(byte)
            begun = time.monotonic()
            assert place.stranger.ask("GET", "/v2/app/tags/list").status == 200
            assert time.monotonic() - begun < 5
        replies = [wire.reply("POST") for wire in wires]
    assert [reply.status for reply in replies if reply] == [201] * 20


def test_those_who_take_nothing_are_left(place: Place) -> None:
    large = os.urandom(1 << 20) * 24
    place.stranger.push_blob("large", large)
    with wired(place.address) as wire:
        wire.send(head("GET", f"/v2/large/blobs/{digest_of(large)}"))
        before = place.descriptors()
        eventually(lambda: place.descriptors() < before)


def test_uploads_that_are_broken_off_can_be_gone_on_with(place: Place) -> None:
    whole = os.urandom(1 << 20)
    for cut in (0, 2, 1000, 300_000, 1_000_000):  # of 1 byte and of none the same is told
        location = place.stranger.begin("app")
        wire = Wire(place.address)
        wire.send(head("PATCH", location, {"Content-Length": len(whole)}), whole[:cut])
        wire.reset()
        size = settled_size(place, location)
        assert size <= cut
        rest = place.stranger.ask("PATCH", location, whole[size:])
        assert rest.status == 202
        digest = digest_of(whole)
        assert place.stranger.ask("PUT", upload_target(location, digest)).status == 201
        assert place.stranger.ask("DELETE", f"/v2/app/blobs/{digest}").status == 202


def settled_size(place: Place, location: str) -> int:
    """Return how far an upload is once the registry has noticed that its client has gone."""
    sizes: list[int] = []

    def settled() -> bool:
        reply = place.stranger.ask("GET", location)
        assert reply.status == 204
        first, last = reply.headers["range"].split("-")
        sizes.append(int(last) + 1 if int(last) > int(first) else 0)
        return len(sizes) > 3 and len(set(sizes[-3:])) == 1

    eventually(settled)
    return sizes[-1]


def test_many_who_go_away_half_way_leave_nothing_behind(place: Place) -> None:
    for number in range(60):
        wire = Wire(place.address)
        target = f"/v2/app/blobs/uploads/?digest={NOBODY}"
        wire.send(head("POST", target, {"Content-Length": 1 << 30}), b"x" * (number * 5000))
        wire.reset()
    assert place.stranger.ask("GET", f"/v2/app/blobs/{NOBODY}").status == 404


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


# credentials


def _token(claims: Mapping[str, Any], key: str = "k" * 32, algorithm: str = "HS256") -> str:
    return jwt.encode(dict(claims), key, algorithm=algorithm)


def _unsigned(claims: Mapping[str, Any], algorithm: str = "none") -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return b".".join([*coded, b""]).decode()


_CLAIMS = {
    "iss": "wherry",
    "sub": "ann",
    "aud": "registry.test",
    "exp": 4_000_000_000,
    "iat": 0,
    "access": [{"type": "repository", "name": "private/plan", "actions": ["pull", "*"]}],
}
CREDENTIALS: Mapping[str, str] = {
    "nothing": "",
    "scheme alone": "Basic",
    "no base64": "Basic !!!",
    "no colon": "Basic " + base64.b64encode(b"ann").decode(),
    "nul": "Basic " + base64.b64encode(b"ann\0:\0").decode(),
    "no utf-8": "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
    "long": "Basic " + base64.b64encode(b"ann:" + b"x" * 20_000).decode(),
    "too long": "Basic " + base64.b64encode(b"ann:" + b"x" * 1_000_000).decode(),
    "long name": "Basic " + base64.b64encode(b"x" * 10_000 + b":").decode(),
    "robot": "Basic " + base64.b64encode(b"robot:x:wry_" + b"a" * 43).decode(),
    "other scheme": "Digest username=ann",
    "negotiate": "Negotiate YII=",
    "bearer alone": "Bearer",
    "empty bearer": "Bearer ",
    "no token": "Bearer a.b.c",
    "dots": "Bearer " + "." * 10_000,
    "unsigned": "Bearer " + _unsigned(_CLAIMS),
    "unsigned in capitals": "Bearer " + _unsigned(_CLAIMS, "NONE"),
    "no algorithm": "Bearer " + _unsigned(_CLAIMS, ""),
    "unsigned, said to be": "Bearer " + _unsigned(_CLAIMS, "HS256"),
    "another key": "Bearer " + _token(_CLAIMS),
    "a weak key": "Bearer " + _token(_CLAIMS, "secret" * 6),
    "another algorithm": "Bearer " + _token(_CLAIMS, "k" * 64, "HS512"),
    "expired": "Bearer " + _token({**_CLAIMS, "exp": 1}),
    "claims of other types": "Bearer " + _token({"sub": "1", "exp": "x", "access": {"a": 1}}),
    "huge claims": "Bearer " + _token({**_CLAIMS, "access": ["x" * 10_000]}),
    "two schemes": "Basic Bearer Basic",
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credentials_that_are_none_open_nothing(place: Place, kind: str) -> None:
    targets = ["/v2/", "/v2/private/plan/manifests/1", f"/v2/private/plan/blobs/{NOBODY}"]
    for target in targets:
        reply = place.stranger.try_ask("GET", target, Authorization=CREDENTIALS[kind])
        assert reply is None or reply.status in (400, 401, 431)
        if reply and reply.status == 401:
            assert reply.code == "UNAUTHORIZED"
            assert "www-authenticate" in reply.headers
    page = place.stranger.try_ask("GET", "/r/private/plan", Authorization=CREDENTIALS[kind])
    assert page is None or page.status in (303, 400, 401, 431)
    assert page is None or b"secret" not in page.body


def test_a_token_of_ours_that_was_changed_opens_nothing(place: Place) -> None:
    scope = "repository:private/plan:pull"
    host = place.registry.host
    asked = place.ann.ask("GET", f"/token?service={host}&scope={scope}", Host=host)
    token = asked.json()["token"]
    target = "/v2/private/plan/manifests/1"
    given = place.stranger.ask("GET", target, Authorization=f"Bearer {token}", Host=host)
    assert given.status == 200
    first, claims, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    longer = json.dumps({**decoded, "exp": decoded["exp"] + 10**6}).encode()
    changed = base64.urlsafe_b64encode(longer).rstrip(b"=").decode()
    for other in (f"{first}.{changed}.{signature}", f"{first}.{claims}.", f"{token}x", token[1:]):
        reply = place.stranger.ask("GET", target, Authorization=f"Bearer {other}", Host=host)
        assert reply.status == 401
    elsewhere = place.stranger.ask(
        "GET", target, Authorization=f"Bearer {token}", Host="another.example"
    )
    assert elsewhere.status == 401


@pytest.mark.parametrize(
    "query",
    [
        "scope=" + "repository:a:pull%20" * 700,
        "&".join(["scope=repository:a:pull"] * 500),
        "scope=::::::",
        "scope=repository:../../etc:pull",
        "scope=repository:private/plan:*",
        "scope=registry:catalog:*",
        "scope=%00%ff",
        "service=" + "x" * 5000,
        "account=ann",
        "offline_token=true",
        "&" * 10_000,
    ],
)
def test_a_stranger_gets_no_more_than_he_may(place: Place, query: str) -> None:
    reply = place.stranger.ask("GET", f"/token?{query}")
    assert reply.status in (200, 400)
    if reply.status == 200:
        token = f"Bearer {reply.json()['token']}"
        pulled = place.stranger.ask(
            "GET", "/v2/private/plan/manifests/1", Authorization=token, Host="registry.test"
        )
        assert pulled.status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type=password",
        b"grant_type=password&username=ann&password=" + b"x" * 60_000,
        b"grant_type=password&username=ann&password=" + b"x" * 10_000_000,
        b"grant_type=refresh_token&refresh_token=" + b"." * 1000,
        b"grant_type=" + b"%00" * 100,
        b"&" * 60_000,
        b"\xff" * 100,
        b'{"grant_type": "password"}',
    ],
)
def test_forms_that_are_none_give_no_token(place: Place, body: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    for target in ("/token", "/login", "/logout", "/delete"):
        for kind in (form, "multipart/form-data; boundary=x", "application/json", ""):
            reply = place.stranger.try_ask("POST", target, body, Content_Type=kind)
            assert reply is None or reply.status in (303, 400, 401, 403, 413), target
            assert reply is None or b'"token"' not in reply.body or target == "/login"


# very many


def test_five_hundred_who_say_nothing_keep_nobody_out(place: Place) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(500):
            wire = stack.enter_context(wired(place.address))
            if number % 2:
                wire.send(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n")
        begun = time.monotonic()
        assert place.stranger.ask("GET", f"/v2/app/blobs/{digest_of(DATA)}").status == 200
        assert time.monotonic() - begun < 5


def test_whatever_is_sent_the_registry_stands(place: Place) -> None:
    outside, before = place.outside(), place.memory()
    fuzzer = Fuzzer(place.address, FUZZ_SEED, place.ann.authorization)
    with contextlib.closing(fuzzer):
        for _ in range(FUZZ_REQUESTS):
            request = fuzzer.request()
            reply = fuzzer.send(request)
            assert reply is None or fine(reply), (FUZZ_SEED, request[:2000], reply)
    assert place.memory() - before < MORE_MEMORY
    assert place.outside() == outside
    assert troubles(place.registry.log.read_text(errors="replace")) == []


def fine(reply: Reply) -> bool:
    """Tell whether a reply is no fault of the registry's own."""
    return reply.status < 500 or reply.status in (501, 505)
