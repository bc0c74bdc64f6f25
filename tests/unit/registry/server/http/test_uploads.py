"""Uploads over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from fixtures.registry_server import Served, Serving, digest_of, running_registry, serving
from wherry.registry.server.access.guard import Action, Caller, DeniedError, OpenGuard, Peer
from wherry.registry.server.backend import Backend
from wherry.registry.server.settings import Limits

START = "/v2/a/blobs/uploads/"
DATA = b"0123456789" * 1000
BLOB = f"/v2/a/blobs/{digest_of(DATA)}"


class NamedGuard(OpenGuard):
    """Knows nobody, and lets him pull and push only where the name begins so."""

    def __init__(self, pull: str, push: str) -> None:
        self._starts: dict[str, str] = {"pull": pull, "push": push}

    def may(self, caller: Caller, name: str, action: Action) -> bool:
        return name.startswith(self._starts.get(action, "-"))

    def require(self, peer: Peer, caller: Caller, name: str, *actions: Action) -> None:
        if not all(self.may(caller, name, action) for action in actions):
            raise DeniedError("no")


async def test_start(registry: Served) -> None:
    for path in (START, START.rstrip("/")):
        answer = await registry.ask("POST", path)
        assert (answer.status, answer.body) == (202, b"")
        location = answer.headers["Location"]
        assert location == START + answer.headers["Docker-Upload-UUID"]
        assert answer.headers["Range"] == "0-0"
        assert int(answer.headers["OCI-Chunk-Min-Length"]) > 0
        assert (await registry.last()).action == ""


async def test_post_then_put(registry: Served) -> None:
    location = await registry.start("a")
    answer = await registry.ask("PUT", f"{location}?digest={digest_of(DATA)}", DATA)
    assert (answer.status, answer.headers["Location"]) == (201, BLOB)
    assert answer.headers["Docker-Content-Digest"] == digest_of(DATA)
    exchange = await registry.last()
    assert (exchange.action, exchange.digest) == ("upload", digest_of(DATA))
    assert exchange.received == len(DATA)
    assert (await registry.ask("GET", BLOB)).body == DATA
    assert (await registry.ask("GET", location)).code == "BLOB_UPLOAD_UNKNOWN"


async def test_an_encoded_digest(registry: Served) -> None:
    wanted = digest_of(DATA).replace(":", "%3A")
    answer = await registry.ask("PUT", f"{await registry.start('a')}?digest={wanted}", DATA)
    assert answer.status == 201


@pytest.mark.parametrize("form", ["{}-{}", "bytes {}-{}/*", "bytes {}-{}/10000"])
async def test_chunks(registry: Served, form: str) -> None:
    location = await registry.start("a")
    for start, end in ((0, 4000), (4000, 9000)):
        headers = {"Content-Range": form.format(start, end - 1)}
        answer = await registry.ask("PATCH", location, DATA[start:end], headers)
        assert (answer.status, answer.headers["Range"]) == (202, f"0-{end - 1}")
        location = answer.headers["Location"]
        status = await registry.ask("GET", location)
        assert (status.status, status.headers["Range"]) == (204, f"0-{end - 1}")
        assert status.headers["Location"] == location
        assert status.headers["Docker-Upload-UUID"] in location
    headers = {"Content-Range": form.format(9000, 9999)}
    path = f"{location}?digest={digest_of(DATA)}"
    answer = await registry.ask("PUT", path, DATA[9000:], headers)
    assert answer.status == 201
    assert (await registry.ask("GET", BLOB)).body == DATA


async def pieces(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        yield part


async def test_a_stream(registry: Served) -> None:
    location = await registry.start("a")
    answer = await registry.ask("PATCH", location, pieces(DATA[:1], DATA[1:]))
    assert (answer.status, answer.headers["Range"]) == (202, "0-9999")
    answer = await registry.ask("PUT", f"{answer.headers['Location']}?digest={digest_of(DATA)}")
    assert answer.status == 201
    assert (await registry.ask("GET", BLOB)).body == DATA


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Range": "10-19"}, 416, "BLOB_UPLOAD_INVALID"),
        ({"Content-Range": "0-9"}, 416, "BLOB_UPLOAD_INVALID"),
        ({"Content-Range": "14-5"}, 416, "BLOB_UPLOAD_INVALID"),
        ({"Content-Range": "5-15"}, 400, "SIZE_INVALID"),
        ({"Content-Range": "what"}, 400, "BLOB_UPLOAD_INVALID"),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_chunks_out_of_order(
    registry: Served, method: str, headers: dict[str, str], status: int, code: str
) -> None:
    location = await registry.start("a")
    await registry.ask("PATCH", location, b"01234")
    path = location + (f"?digest={digest_of(b'x')}" if method == "PUT" else "")
    answer = await registry.ask(method, path, b"0123456789", headers)
    assert (answer.status, answer.code) == (status, code)
    if status == 416:
        assert answer.headers["Range"] == "0-4"
    # Nothing of it counts, and the upload goes on.
    assert (await registry.ask("GET", location)).headers["Range"] == "0-4"


async def test_a_stream_that_is_not_as_long_as_it_says(registry: Served) -> None:
    location = await registry.start("a")
    for sent in (b"012345678901234", b"01234"):
        headers = {"Content-Range": "0-9"}
        answer = await registry.ask("PATCH", await registry.start("a"), pieces(sent), headers)
        assert (answer.status, answer.code) == (400, "SIZE_INVALID")
    assert (await registry.ask("GET", location)).status == 204


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "DIGEST_INVALID"),
        ("?digest=", 400, "DIGEST_INVALID"),
        ("?digest=sha256:0", 400, "DIGEST_INVALID"),
        (f"?digest={digest_of(b'other')}", 400, "DIGEST_INVALID"),
        ("?digest=%ff", 400, "UNSUPPORTED"),
    ],
)
async def test_a_digest_that_is_wrong(registry: Served, query: str, status: int, code: str) -> None:
    answer = await registry.ask("PUT", (await registry.start("a")) + query, DATA)
    assert (answer.status, answer.code) == (status, code)
    assert (await registry.ask("HEAD", BLOB)).status == 404


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
async def test_algorithms(registry: Served, algorithm: str) -> None:
    begun = await registry.ask("POST", f"{START}?digest-algorithm={algorithm}")
    assert begun.status == 202
    digest = await registry.push_blob("a", DATA, algorithm)
    assert (await registry.ask("GET", f"/v2/a/blobs/{digest}")).body == DATA


async def test_an_unknown_algorithm(registry: Served) -> None:
    answer = await registry.ask("POST", f"{START}?digest-algorithm=md5")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


async def test_a_single_post(registry: Served) -> None:
    answer = await registry.ask("POST", f"{START}?digest={digest_of(DATA)}", DATA)
    assert (answer.status, answer.headers["Location"]) == (201, BLOB)
    assert (await registry.ask("GET", BLOB)).body == DATA


async def test_a_single_post_of_nothing(registry: Served) -> None:
    answer = await registry.ask("POST", f"{START}?digest={digest_of(b'')}")
    assert answer.status == 201
    assert (await registry.ask("GET", f"/v2/a/blobs/{digest_of(b'')}")).body == b""


async def test_a_post_that_says_the_digest_early(registry: Served) -> None:
    answer = await registry.ask("POST", f"{START}?digest={digest_of(DATA)}")
    assert answer.status == 202


async def test_a_single_post_of_something_else(registry: Served) -> None:
    answer = await registry.ask("POST", f"{START}?digest={digest_of(b'other')}", DATA)
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


async def test_cancel(registry: Served) -> None:
    location = await registry.start("a")
    answer = await registry.ask("DELETE", location)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        answer = await registry.ask(method, location)
        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("upload", ["x", "%00", "a b", "..", "%2e%2e", "x" * 200])
async def test_uploads_that_never_were(registry: Served, upload: str) -> None:
    answer = await registry.ask("GET", START + upload.replace(" ", "%20"))
    assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_an_upload_of_another_repository(registry: Served) -> None:
    location = (await registry.start("a")).replace("/a/", "/b/")
    assert (await registry.ask("PATCH", location, b"x")).status == 404


# mounts


async def test_mount(registry: Served) -> None:
    digest = await registry.push_blob("a", DATA)
    answer = await registry.ask("POST", f"/v2/b/blobs/uploads/?mount={digest}&from=a")
    assert (answer.status, answer.headers["Location"]) == (201, f"/v2/b/blobs/{digest}")
    assert answer.headers["Docker-Content-Digest"] == digest
    exchange = await registry.last()
    assert (exchange.action, exchange.repository, exchange.digest) == ("mount", "b", digest)
    assert (await registry.ask("GET", f"/v2/b/blobs/{digest}")).body == DATA


async def test_mount_from_anywhere(registry: Served) -> None:
    digest = await registry.push_blob("a", DATA)
    answer = await registry.ask("POST", f"/v2/b/blobs/uploads/?mount={digest}")
    assert answer.status == 201


@pytest.mark.parametrize("query", ["&from=other", "&from=a/../b", "&from=A", ""])
async def test_what_is_not_there_is_uploaded(registry: Served, query: str) -> None:
    answer = await registry.ask("POST", f"{START}?mount={digest_of(DATA)}{query}")
    assert answer.status == 202
    assert answer.headers["Location"].startswith(START)


async def test_a_mount_of_no_digest(registry: Served) -> None:
    answer = await registry.ask("POST", f"{START}?mount=x&from=b")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("query", ["&from=private/a", ""])
async def test_who_may_not_pull_cannot_mount(registry: Served, query: str) -> None:
    digest = await registry.push_blob("private/a", DATA)
    guard = NamedGuard(pull="public/", push="public/")
    async with serving(registry.backend, Serving(guard=guard)) as served:
        path = f"/v2/public/b/blobs/uploads/?mount={digest}"
        assert (await served.ask("POST", path + query)).status == 202
        assert (await served.ask("HEAD", f"/v2/public/b/blobs/{digest}")).status == 404
        refused = await served.ask("POST", f"/v2/private/b/blobs/uploads/?mount={digest}")
        assert (refused.status, refused.code) == (403, "DENIED")


# limits


async def test_what_is_too_large(tmp_path: Path) -> None:
    async with running_registry(tmp_path, Serving(Limits(blob_bytes=1000))) as served:
        location = await served.start("a")
        for body in (DATA, pieces(DATA)):
            answer = await served.ask("PATCH", location, body)
            assert (answer.status, answer.code) == (413, "SIZE_INVALID")
        answer = await served.ask("POST", f"{START}?digest={digest_of(DATA)}", DATA)
        assert answer.status == 413


@dataclass
class Held:
    """A backend whose uploads wait to be let go."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def upload_size(self, name: str, upload: str) -> int:
        return 0

    async def write_upload(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
        self.begun.set()
        await self.let_go.wait()
        return size


async def test_more_uploads_at_once_than_one_may_have() -> None:
    held = Held()
    async with serving(cast(Backend, held), Serving(Limits(concurrent_uploads=1))) as served:
        first = asyncio.create_task(served.ask("PATCH", START + "x", b"abc"))
        await held.begun.wait()
        second = await served.ask("PATCH", START + "y", b"abc")
        assert (second.status, second.code) == (429, "TOOMANYREQUESTS")
        assert second.headers["Retry-After"] == "1"
        held.let_go.set()
        assert (await first).status == 202
        assert (await served.ask("PATCH", START + "y", b"abc")).status == 202


# what happens on the way


async def test_a_client_that_leaves_can_go_on(registry: Served) -> None:
    location = await registry.start("a")
    broken = asyncio.Event()

    async def half() -> AsyncGenerator[bytes, None]:
        yield DATA[:6000]
        await broken.wait()
        raise ConnectionError

    sending = asyncio.create_task(registry.ask("PATCH", location, half()))
    await asyncio.sleep(0.05)  # whether all of it has come, the server does not tell
    broken.set()
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        await sending
    exchange = await registry.last()
    assert (exchange.status, exchange.received) == (499, 6000)
    status = await registry.ask("GET", location)
    assert status.headers["Range"] == "0-5999"
    headers = {"Content-Range": "6000-9999"}
    path = f"{location}?digest={digest_of(DATA)}"
    assert (await registry.ask("PUT", path, DATA[6000:], headers)).status == 201


async def test_a_refused_client_is_not_asked_for_its_body(registry: Served) -> None:
    guard = NamedGuard(pull="", push="-")
    async with serving(registry.backend, Serving(guard=guard)) as served:
        reply = await served.raw(
            b"PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert reply.startswith(b"HTTP/1.1 403 ")
        assert b"\r\nConnection: close\r\n" in reply


async def test_a_client_is_asked_for_its_body(registry: Served) -> None:
    location = (await registry.start("a")).encode()
    digest = digest_of(b"abc").encode()
    head = b"PUT %s?digest=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" % (location, digest)
    reader, writer = await asyncio.open_connection("127.0.0.1", registry.server.port)
    writer.write(head + b"Expect: 100-continue\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()
    await writer.wait_closed()
