"""Blobs over HTTP, from every kind of source."""

from __future__ import annotations

import contextlib
import io
import ssl
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import cast

import aiohttp
import pytest
import trustme

from fixtures.registry_server import Served, Serving, digest_of, serving
from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.driver import (
    Arriving,
    Key,
    LocalFile,
    ObjectNotFoundError,
    Redirect,
    Source,
    Streamed,
)
from wherry.registry.server.backend import Backend, Blob

DATA = bytes(range(256)) * 8192  # 2 MiB, which is more than goes at once
DIGEST = Digest(digest_of(DATA))
PATH = f"/v2/a/blobs/{DIGEST}"


@dataclass
class Shelf:
    """A backend with one blob."""

    source: Source
    size: int = len(DATA)

    async def blob(self, name: str, digest: Digest) -> Blob:
        return Blob(digest, self.size, self.source)


def streamed(start: int, length: int) -> Iterator[bytes]:
    for at in range(start, start + length, 5000):
        yield DATA[at : min(at + 5000, start + length)]


async def arriving() -> AsyncGenerator[bytes, None]:
    for at in range(0, len(DATA), 300_000):
        yield DATA[at : at + 300_000]


SOURCES: dict[str, Source] = {
    "no file": LocalFile(lambda: io.BytesIO(DATA)),
    "streamed": Streamed(streamed),
    "arriving": Arriving(arriving),
}


def shelf(source: Source, size: int = len(DATA)) -> Backend:
    return cast(Backend, Shelf(source, size))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
async def test_every_source(source: Source) -> None:
    async with serving(shelf(source)) as served:
        for _ in range(2):
            answer = await served.ask("GET", PATH)
            assert (answer.status, answer.body) == (200, DATA)
            assert answer.headers["Content-Length"] == str(len(DATA))
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Docker-Content-Digest"] == DIGEST
        assert (await served.last()).sent == len(DATA)
        head = await served.ask("HEAD", PATH)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == str(len(DATA))


@pytest.mark.parametrize("data", [b"", b"small", DATA], ids=["empty", "small", "large"])
async def test_files(registry: Served, data: bytes) -> None:
    digest = await registry.push_blob("a", data)
    answer = await registry.ask("GET", f"/v2/a/blobs/{digest}")
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Accept-Ranges"] == "bytes"
    exchange = await registry.last()
    assert (exchange.route, exchange.action, exchange.digest) == ("blob", "", digest)
    assert exchange.sent == len(data)


async def test_files_over_tls(registry: Served) -> None:
    digest = await registry.push_blob("a", DATA)
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    how = Serving(server_tls=server, client_tls=client)
    async with serving(registry.backend, how) as served:
        answer = await served.ask("GET", f"/v2/a/blobs/{digest}", headers={"Range": "bytes=3-"})
        assert (answer.status, answer.body) == (206, DATA[3:])
        assert (await served.last()).sent == len(DATA) - 3


RANGES = [("bytes=0-9", 0, 10), ("bytes=2000000-", 2_000_000, len(DATA)), ("bytes=-7", -7, None)]


@pytest.mark.parametrize(("header", "start", "end"), RANGES)
@pytest.mark.parametrize("source", ["file", "streamed"])
async def test_ranges(
    registry: Served, source: str, header: str, start: int, end: int | None
) -> None:
    await registry.push_blob("a", DATA)
    backend = registry.backend if source == "file" else shelf(SOURCES["streamed"])
    async with serving(backend) as served:
        answer = await served.ask("GET", PATH, headers={"Range": header})
    wanted = DATA[start:end]
    first = start % len(DATA)
    assert (answer.status, answer.body) == (206, wanted)
    assert answer.headers["Content-Length"] == str(len(wanted))
    said = f"bytes {first}-{first + len(wanted) - 1}/{len(DATA)}"
    assert answer.headers["Content-Range"] == said


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=0-1,4-5"}, 200),
        ({"Range": "bytes=0-1", "If-Range": f'"{DIGEST}"'}, 206),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=99999999-"}, 416),
        ({"Range": "bytes=5-0"}, 416),
        ({"If-None-Match": f'"{DIGEST}"'}, 304),
        ({"If-None-Match": '"other"'}, 200),
    ],
)
async def test_conditions(registry: Served, headers: dict[str, str], status: int) -> None:
    await registry.push_blob("a", DATA)
    answer = await registry.ask("GET", PATH, headers=headers)
    assert answer.status == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"


async def test_of_what_still_arrives_there_are_no_ranges() -> None:
    async with serving(shelf(SOURCES["arriving"])) as served:
        answer = await served.ask("GET", PATH, headers={"Range": "bytes=0-1"})
        assert (answer.status, answer.body) == (200, DATA)
        assert answer.headers["Accept-Ranges"] == "none"


async def test_clients_are_sent_to_the_object_store() -> None:
    async with serving(shelf(Redirect("http://store.test/x?sign=1"))) as served:
        answer = await served.ask("GET", PATH, headers={"Range": "bytes=0-1"})
        assert answer.status == 307
        assert answer.headers["Location"] == "http://store.test/x?sign=1"
        head = await served.ask("HEAD", PATH)
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(DATA)))


def missing(*_: object) -> Iterator[bytes]:
    raise ObjectNotFoundError(Key("0" * 32))
    yield b""


async def never() -> AsyncGenerator[bytes, None]:
    raise ObjectNotFoundError(Key("0" * 32))
    yield b""


@pytest.mark.parametrize(
    "source",
    [LocalFile(missing), Streamed(missing), Arriving(never)],  # type: ignore[arg-type]
)
async def test_what_cannot_be_had_at_all_is_an_error(source: Source) -> None:
    if isinstance(source, LocalFile):
        source = LocalFile(lambda: next(missing()))  # type: ignore[arg-type, return-value]
    async with serving(shelf(source)) as served:
        answer = await served.ask("GET", PATH)
        assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")
        assert (await served.last()).sent == len(answer.body)


def short(start: int, length: int) -> Iterator[bytes]:
    yield DATA[: length // 2]


async def broken() -> AsyncGenerator[bytes, None]:
    yield DATA[: len(DATA) // 2]
    raise ObjectNotFoundError(Key("0" * 32))


async def too_much() -> AsyncGenerator[bytes, None]:
    yield DATA
    yield b"more"


SHORT: dict[str, Source] = {
    "file": LocalFile(lambda: io.BytesIO(DATA[:1_000_000])),
    "streamed": Streamed(short),
    "arriving": Arriving(broken),
}


@pytest.mark.parametrize("source", SHORT.values(), ids=SHORT.keys())
async def test_what_ends_early_does_not_look_whole(source: Source) -> None:
    async with serving(shelf(source)) as served:
        with pytest.raises(aiohttp.ClientPayloadError):
            await served.ask("GET", PATH)
        exchange = await served.last()
        assert 0 < exchange.sent < len(DATA)
        assert exchange.detail.startswith("broken off")
        # The server is as it was.
        assert (await served.ask("GET", "/v2/")).status == 200


async def test_a_file_that_has_become_shorter(registry: Served) -> None:
    digest = await registry.push_blob("a", DATA)
    assert registry.parts is not None
    (path,) = [
        one
        for one in registry.parts.root.rglob("*")
        if one.is_file() and one.stat().st_size == len(DATA)
    ]
    with path.open("r+b") as file:
        file.truncate(1_000_000)
    with pytest.raises(aiohttp.ClientPayloadError):
        await registry.ask("GET", f"/v2/a/blobs/{digest}")


async def test_more_than_was_announced_is_not_sent() -> None:
    async with serving(shelf(Arriving(too_much))) as served:
        with contextlib.suppress(aiohttp.ClientError):
            # All that was announced has come, so a client may take it for whole.
            assert (await served.ask("GET", PATH)).body == DATA
        exchange = await served.last()
        assert exchange.detail.startswith("broken off")


async def test_delete(registry: Served) -> None:
    digest = await registry.push_blob("a", b"data")
    path = f"/v2/a/blobs/{digest}"
    assert (await registry.ask("DELETE", path)).status == 202
    assert (await registry.last()).action == "delete"
    for method in ("GET", "HEAD", "DELETE"):
        assert (await registry.ask(method, path)).status == 404


@pytest.mark.parametrize("digest", ["", "x", "sha256:0", "md5:" + "0" * 32])
async def test_no_digest(registry: Served, digest: str) -> None:
    answer = await registry.ask("GET", f"/v2/a/blobs/{digest}")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


async def test_nothing_of_a_client_that_leaves_stays(registry: Served) -> None:
    """A client that reads a little of a large blob, and goes."""
    data = DATA * 16
    digest = await registry.push_blob("a", data)
    async with registry.client.get(f"{registry.url}/v2/a/blobs/{digest}") as response:
        await response.content.read(1000)
        response.close()
    exchange = await registry.told.until(registry.asked + 1)
    assert exchange.status == 499
    assert exchange.sent < len(data)
