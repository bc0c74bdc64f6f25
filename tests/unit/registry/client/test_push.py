"""Uploads: where they go, what is retried, and servers that are rude."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from fixtures.web import serving
from wherry.base.errors import DataLossError, ForbiddenError, UnavailableError
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_MANIFEST
from wherry.registry.client import Repository

Opener = Callable[..., Awaitable[Repository]]

DATA = b"0123456789abcdef" * (1 << 17)  # 2 MiB
DIGEST = digest_bytes(DATA)
QUERY = DIGEST.replace(":", "%3A")
UPLOADS = "/v2/team/app/blobs/uploads/"


class Registry:
    """Takes uploads; `location` is what it answers to POST, `puts` the statuses of PUTs."""

    def __init__(self, location: str = f"{UPLOADS}1", *puts: int) -> None:
        self.location = location
        self.puts = list(puts)
        self.taken: list[bytes] = []
        self.opened = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            self.opened += 1
            location = self.location.replace("N", str(self.opened))
            return web.Response(status=202, headers={"Location": location})
        if request.method == "PUT":
            return await self._put(request)
        return web.Response()

    async def _put(self, request: web.Request) -> web.Response:
        status = self.puts.pop(0) if self.puts else 201
        if status == 0:
            await request.content.read(1000)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        self.taken.append(await request.read())
        return web.Response(status=status)


async def upload(repository: Repository, progress: Callable[[int], None] = lambda _: None) -> None:
    await repository.upload(DIGEST, len(DATA), lambda: io.BytesIO(DATA), progress)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (f"{UPLOADS}1", f"{UPLOADS}1?digest={QUERY}"),
        (f"{UPLOADS}1?_state=a%2Fb", f"{UPLOADS}1?_state=a%2Fb&digest={QUERY}"),
        ("1", f"{UPLOADS}1?digest={QUERY}"),
    ],
)
async def test_one_post_and_one_put(opened: Opener, location: str, path: str) -> None:
    registry = Registry(location)
    sent: list[int] = []
    async with serving(registry) as server:
        await upload(await opened(server, push=True), sent.append)
    assert registry.taken == [DATA]
    assert server.paths("PUT") == [path]
    assert server.seen[-1].headers["Content-Length"] == str(len(DATA))
    assert sent == [0, 1 << 20, 2 << 20]


async def test_an_absolute_location_on_another_host(opened: Opener) -> None:
    storage = Registry()
    async with serving(storage) as other:
        registry = Registry(f"http://{other.address}/store/1")
        async with serving(registry) as server:
            await upload(await opened(server, push=True))
    assert (storage.taken, registry.taken) == ([DATA], [])


@pytest.mark.parametrize("failure", [0, 500, 503])
async def test_an_upload_begins_anew(opened: Opener, failure: int) -> None:
    registry = Registry(f"{UPLOADS}N", failure, failure)
    sent: list[int] = []
    async with serving(registry) as server:
        await upload(await opened(server, push=True), sent.append)
    assert registry.taken[-1] == DATA
    assert registry.opened == 3
    assert sent.count(0) == 3


async def test_uploads_are_given_up(opened: Opener) -> None:
    registry = Registry(f"{UPLOADS}N", *[502] * 9)
    async with serving(registry) as server:
        repository = await opened(server, push=True)
        with pytest.raises(UnavailableError, match="received unexpected HTTP status: 502"):
            await upload(repository)
    assert registry.opened == 4


async def test_a_refusal_is_final(opened: Opener) -> None:
    registry = Registry(f"{UPLOADS}N", 403)
    async with serving(registry) as server:
        repository = await opened(server, push=True)
        with pytest.raises(ForbiddenError, match="denied: "):
            await upload(repository)
    assert registry.opened == 1


@pytest.mark.parametrize("location", ["", "file:///etc/shadow", "http://u:p@127.0.0.1:1/"])
async def test_locations_that_lead_nowhere(opened: Opener, location: str) -> None:
    async with serving(Registry(location)) as server:
        repository = await opened(server, push=True)
        with pytest.raises(DataLossError):
            await upload(repository)


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
async def test_a_file_of_another_length(opened: Opener, size: int) -> None:
    async with serving(Registry()) as server:
        repository = await opened(server, push=True)
        with pytest.raises(DataLossError, match="the file"):
            await repository.upload(DIGEST, size, lambda: io.BytesIO(DATA), lambda _: None)


async def test_a_file_that_cannot_be_opened(opened: Opener) -> None:
    async with serving(Registry()) as server:
        repository = await opened(server, push=True)
        with pytest.raises(FileNotFoundError):
            await repository.upload(DIGEST, 1, lambda: open("/nonexistent", "rb"), lambda _: None)  # noqa: SIM115


async def test_a_server_that_stops_reading(opened: Opener) -> None:
    done = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        if request.method == "PUT":
            await done.wait()
        return web.Response(status=202, headers={"Location": "1"})

    huge = 64 << 20  # more than the buffers of both sockets hold
    async with serving(handle) as server:
        repository = await opened(server, push=True)
        async with asyncio.timeout(20):
            with pytest.raises(UnavailableError, match="i/o timeout"):
                await repository.upload(DIGEST, huge, lambda: _zeros(huge), lambda _: None)
        done.set()


def _zeros(size: int) -> io.BytesIO:
    return io.BytesIO(bytes(size))


async def test_a_mount_that_fails_opens_the_upload(opened: Opener) -> None:
    registry = Registry(f"{UPLOADS}N")
    async with serving(registry) as server:
        repository = await opened(server, push=True)
        assert not await repository.mount(DIGEST, "team/base")
        assert not await repository.mount(DIGEST, "team/other")
        await upload(repository)
    assert server.paths("POST")[0] == f"{UPLOADS}?mount={QUERY}&from=team%2Fbase"
    assert server.paths("DELETE") == [f"{UPLOADS}1"]  # the first is of no use any more
    assert server.paths("PUT") == [f"{UPLOADS}2?digest={QUERY}"]


async def test_an_upload_of_a_mount_that_is_gone(opened: Opener) -> None:
    registry = Registry(f"{UPLOADS}N", 404)
    async with serving(registry) as server:
        repository = await opened(server, push=True)
        assert not await repository.mount(DIGEST, "team/base")
        await upload(repository)
    assert registry.opened == 2


@pytest.mark.parametrize(
    ("status", "mounted"), [(201, True), (401, False), (403, False), (404, False), (405, False)]
)
async def test_mounts(opened: Opener, status: int, mounted: bool) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status if request.method == "POST" else 200)

    async with serving(handle) as server:
        repository = await opened(server, push=True)
        assert await repository.mount(DIGEST, "team/base") is mounted


async def test_a_registry_that_fails_is_not_asked_to_mount_for_ever(opened: Opener) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=500 if request.method == "POST" else 200)

    async with serving(handle) as server:
        repository = await opened(server, push=True)
        with pytest.raises(UnavailableError):
            await repository.mount(DIGEST, "team/base")
    assert len(server.paths("POST")) == 4


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False)])
async def test_has_blob(opened: Opener, status: int, there: bool) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status if request.method == "HEAD" else 200)

    async with serving(handle) as server:
        assert await (await opened(server, push=True)).has_blob(DIGEST) is there


async def test_a_manifest_goes_up(opened: Opener) -> None:
    got: list[tuple[str, bytes]] = []

    async def handle(request: web.Request) -> web.Response:
        if request.method == "PUT":
            got.append((request.headers["Content-Type"], await request.read()))
        return web.Response(status=201)

    async with serving(handle) as server:
        repository = await opened(server, push=True)
        assert await repository.put_manifest("1", OCI_MANIFEST, b"{}") == digest_bytes(b"{}")
    assert server.paths("PUT") == ["/v2/team/app/manifests/1"]
    assert got == [(OCI_MANIFEST, b"{}")]


async def test_a_registry_that_stored_another_manifest(opened: Opener) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=201, headers={"Docker-Content-Digest": digest_bytes(b"x")})

    async with serving(handle) as server:
        repository = await opened(server, push=True)
        with pytest.raises(DataLossError, match="manifest verification failed"):
            await repository.put_manifest("1", OCI_MANIFEST, b"{}")
