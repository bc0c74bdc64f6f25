"""Manifests that are verified; blobs that resume; servers that lie about either."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from fixtures.web import Handler, serving
from wherry.base.errors import DataLossError, InvalidError, NotFoundError, UnavailableError
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_INDEX, OCI_MANIFEST, Descriptor
from wherry.registry.client import Repository

Opener = Callable[..., Awaitable[Repository]]

DATA = bytes(range(256)) * 4096 * 3  # 3 MiB
BLOB = Descriptor("", digest_bytes(DATA), len(DATA))
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).encode()


def manifest_server(body: bytes, headers: dict[str, str] | None = None) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v2/":
            return web.Response()
        return web.Response(body=body, headers={"Content-Type": OCI_MANIFEST, **(headers or {})})

    return handle


async def test_a_manifest_by_tag(opened: Opener) -> None:
    digest = digest_bytes(MANIFEST)
    async with serving(manifest_server(MANIFEST, {"Docker-Content-Digest": digest})) as server:
        fetched = await (await opened(server)).manifest("1")
    assert (fetched.media_type, fetched.digest, fetched.body) == (OCI_MANIFEST, digest, MANIFEST)
    assert OCI_INDEX in server.seen[-1].headers["Accept"]


async def test_a_manifest_whose_server_tells_no_digest(opened: Opener) -> None:
    async with serving(manifest_server(MANIFEST, {"Docker-Content-Digest": "no"})) as server:
        assert (await (await opened(server)).manifest("1")).digest == digest_bytes(MANIFEST)


async def test_a_manifest_of_another_digest_algorithm(opened: Opener) -> None:
    digest = digest_bytes(MANIFEST, "sha512")
    async with serving(manifest_server(MANIFEST)) as server:
        assert (await (await opened(server)).manifest(digest)).digest == digest


@pytest.mark.parametrize("wanted", ["1", digest_bytes(b"other")])
async def test_a_manifest_that_is_another(opened: Opener, wanted: str) -> None:
    told = {"Docker-Content-Digest": digest_bytes(b"other")}
    async with serving(manifest_server(MANIFEST, told)) as server:
        with pytest.raises(DataLossError) as caught:
            await (await opened(server)).manifest(wanted)
    assert str(caught.value) == f"manifest verification failed for digest {digest_bytes(b'other')}"


async def test_a_manifest_without_end(opened: Opener) -> None:
    async with serving(manifest_server(b" " * ((4 << 20) + 1))) as server:
        with pytest.raises(DataLossError, match="larger than 4194304 bytes"):
            await (await opened(server)).manifest("1")


async def test_a_manifest_that_is_two_things(opened: Opener) -> None:
    async with serving(manifest_server(MANIFEST, {"Content-Type": OCI_INDEX})) as server:
        with pytest.raises(InvalidError, match="mediaType in manifest should be"):
            await (await opened(server)).manifest("1")


async def test_a_manifest_whose_server_does_not_know_its_type(opened: Opener) -> None:
    plain = {"Content-Type": "text/plain; charset=utf-8"}
    async with serving(manifest_server(MANIFEST, plain)) as server:
        assert (await (await opened(server)).manifest("1")).media_type == OCI_MANIFEST


class Blobs:
    """Serves DATA; `script` holds one behaviour per request, the last for all that follow."""

    def __init__(self, *script: str) -> None:
        self._script = list(script)
        self.ranges: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v2/":
            return web.Response()
        behaviour = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        self.ranges.append(request.headers.get("Range", ""))
        if behaviour.isdecimal():
            return web.Response(status=int(behaviour))
        start = 0
        if self.ranges[-1] and behaviour != "no ranges":
            start = int(self.ranges[-1].removeprefix("bytes=").rstrip("-"))
        return await getattr(self, f"_{behaviour.replace(' ', '_')}")(request, start)

    async def _all(self, request: web.Request, start: int) -> web.StreamResponse:
        return await self._send(request, start, DATA[start:])

    _no_ranges = _all

    async def _break(self, request: web.Request, start: int) -> web.StreamResponse:
        """Send 1000 bytes of what was announced and cut the line."""
        response = await self._begin(request, start, len(DATA) - start)
        await response.write(DATA[start : start + 1000])
        await asyncio.sleep(0.02)  # the client is to see the bytes before the end
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _stall(self, request: web.Request, start: int) -> web.StreamResponse:
        response = await self._begin(request, start, len(DATA) - start)
        await response.write(DATA[start : start + 1000])
        await asyncio.sleep(2)
        return response

    async def _more(self, request: web.Request, start: int) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(DATA[start:] + b"more")
        return response

    async def _fewer(self, request: web.Request, start: int) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(DATA[:-1])
        return response

    async def _announces_more(self, request: web.Request, start: int) -> web.StreamResponse:
        return web.Response(body=DATA + b"more")

    async def _wrong_range(self, request: web.Request, start: int) -> web.StreamResponse:
        return await self._send(request, start + 1, DATA[start + 1 :])

    async def _earlier_range(self, request: web.Request, start: int) -> web.StreamResponse:
        return await self._send(request, start - 10, DATA[start - 10 :])

    async def _begin(self, request: web.Request, start: int, length: int) -> web.StreamResponse:
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = length
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        await response.prepare(request)
        return response

    async def _send(self, request: web.Request, start: int, data: bytes) -> web.StreamResponse:
        response = await self._begin(request, start, len(data))
        await response.write(data)
        return response


async def download(opened: Opener, blobs: Blobs, offset: int = 0) -> bytes:
    got = bytearray(DATA[:offset])

    async def sink(chunk: bytes) -> None:
        got.extend(chunk)

    async with serving(blobs) as server:
        await (await opened(server)).fetch(BLOB, sink, offset)
    return bytes(got)


async def test_a_blob(opened: Opener) -> None:
    blobs = Blobs("all")
    assert await download(opened, blobs) == DATA
    assert blobs.ranges == [""]


async def test_a_blob_from_the_middle(opened: Opener) -> None:
    blobs = Blobs("all")
    assert await download(opened, blobs, 12345) == DATA
    assert blobs.ranges == ["bytes=12345-"]


async def test_nothing_is_asked_for_when_nothing_is_missing(opened: Opener) -> None:
    blobs = Blobs("500")
    assert await download(opened, blobs, len(DATA)) == DATA
    assert blobs.ranges == []


async def test_a_broken_line_is_resumed_where_it_broke(opened: Opener) -> None:
    blobs = Blobs("break", "break", "503", "all")
    assert await download(opened, blobs) == DATA
    assert blobs.ranges == ["", "bytes=1000-", "bytes=2000-", "bytes=2000-"]


async def test_a_server_that_falls_silent_is_asked_again(opened: Opener) -> None:
    blobs = Blobs("stall", "all")
    assert await download(opened, blobs) == DATA
    assert blobs.ranges == ["", "bytes=1000-"]


async def test_a_server_without_ranges_is_read_over(opened: Opener) -> None:
    blobs = Blobs("break", "no ranges")
    assert await download(opened, blobs) == DATA
    assert blobs.ranges == ["", "bytes=1000-"]


async def test_a_server_that_refuses_the_range_is_asked_without(opened: Opener) -> None:
    blobs = Blobs("416", "all")
    assert await download(opened, blobs, 5) == DATA
    assert blobs.ranges == ["bytes=5-", ""]


async def test_a_range_that_begins_earlier_is_skipped_into(opened: Opener) -> None:
    assert await download(opened, Blobs("earlier range"), 100) == DATA


@pytest.mark.parametrize(
    ("behaviour", "offset", "words"),
    [
        ("more", 0, "goes on at the registry"),
        ("fewer", 0, f"ends after {len(DATA) - 1} bytes"),
        ("announces more", 0, f"has {len(DATA) + 4} bytes at the registry"),
        ("wrong range", 100, "comes in a range that was not asked for"),
    ],
)
async def test_a_size_that_is_wrong(
    opened: Opener, behaviour: str, offset: int, words: str
) -> None:
    blobs = Blobs(behaviour)
    with pytest.raises(DataLossError, match=words):
        await download(opened, blobs, offset)
    assert len(blobs.ranges) == 1


async def test_attempts_end(opened: Opener) -> None:
    blobs = Blobs("502")
    with pytest.raises(UnavailableError) as caught:
        await download(opened, blobs)
    assert str(caught.value) == "received unexpected HTTP status: 502 Bad Gateway"
    assert len(blobs.ranges) == 4


async def test_a_line_that_breaks_for_ever(opened: Opener) -> None:
    blobs = Blobs("break")
    with pytest.raises(UnavailableError, match=r"unexpected EOF|reset by peer"):
        await download(opened, blobs)
    assert len(blobs.ranges) == 4


async def test_an_unknown_blob_is_asked_for_once(opened: Opener) -> None:
    blobs = Blobs("404")
    with pytest.raises(NotFoundError, match="unknown blob"):
        await download(opened, blobs)
    assert len(blobs.ranges) == 1


@pytest.mark.parametrize("error", [OSError(28, "disk full"), UnavailableError("mine")])
async def test_what_the_sink_raises_is_not_tried_again(opened: Opener, error: Exception) -> None:
    blobs = Blobs("all")

    async def sink(_: bytes) -> None:
        raise error

    async with serving(blobs) as server:
        with pytest.raises(type(error)) as caught:
            await (await opened(server)).fetch(BLOB, sink)
    assert caught.value is error
    assert len(blobs.ranges) == 1


async def test_an_offset_beyond_the_blob_is_refused(opened: Opener) -> None:
    async with serving(Blobs("all")) as server:
        repository = await opened(server)
        with pytest.raises(InvalidError):
            await repository.fetch(BLOB, _forget, len(DATA) + 1)


async def _forget(_: bytes) -> None:
    pass


async def test_only_so_many_blobs_come_at_once(opened: Opener) -> None:
    waiting, most = 0, 0
    six = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        nonlocal waiting, most
        if request.path == "/v2/":
            return web.Response()
        waiting += 1
        most = max(most, waiting)
        if waiting == 6:
            six.set()
        await six.wait()
        await asyncio.sleep(0.02)  # a seventh would come in meanwhile
        waiting -= 1
        return web.Response(body=DATA)

    async with serving(handle) as server:
        repository = await opened(server)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(repository.fetch(BLOB, _forget))
    assert most == 6
