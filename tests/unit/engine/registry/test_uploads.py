"""Uploads: pieces, broken connections, races, ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from fixtures.images import leases
from fixtures.pushes import sent
from wherry.engine.registry import uploads as module
from wherry.engine.registry.received import Received
from wherry.engine.registry.uploads import TooManyUploadsError, Uploads
from wherry.oci.digest import digest_bytes
from wherry.registry.server.backend import (
    DigestMismatchError,
    UploadRangeError,
    UploadUnknownError,
)
from wherry.store.store import Store

DATA = os.urandom(3 << 20)
DIGEST = digest_bytes(DATA)


@pytest.fixture
def received(store: Store) -> Received:
    return Received(store)


@pytest.fixture
def uploads(store: Store, received: Received) -> Uploads:
    return Uploads(store, received)


async def test_pieces_become_a_blob(store: Store, received: Received, uploads: Uploads) -> None:
    upload = uploads.begin("app")
    assert uploads.size("app", upload) == 0
    assert await uploads.write("app", upload, 0, sent(DATA[:10], b"", DATA[10:100])) == 100
    assert await uploads.write("app", upload, None, sent(DATA[100:200])) == 200
    assert uploads.size("app", upload) == 200
    assert await uploads.finish("app", upload, DIGEST, 200, sent(DATA[200:])) == len(DATA)
    assert store.content.read(DIGEST) == DATA
    assert received.has("app", DIGEST)
    assert os.listdir(store.layout.partials) == []
    with pytest.raises(UploadUnknownError):
        uploads.size("app", upload)
    store.collect()
    assert store.content.has(DIGEST)


@pytest.mark.parametrize("data", [b"", b"x"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
async def test_small_blobs_by_every_digest(
    store: Store, uploads: Uploads, data: bytes, algorithm: str
) -> None:
    upload, digest = uploads.begin("app"), digest_bytes(data, algorithm)
    assert await uploads.finish("app", upload, digest, None, sent(data)) == len(data)
    assert store.content.read(digest) == data


async def test_what_is_not_what_it_was_said_to_be_goes(store: Store, uploads: Uploads) -> None:
    upload = uploads.begin("app")
    with pytest.raises(DigestMismatchError, match=digest_bytes(b"other")):
        await uploads.finish("app", upload, DIGEST, None, sent(b"other"))
    assert os.listdir(store.layout.partials) == []
    assert not store.content.has(DIGEST)
    with pytest.raises(UploadUnknownError):
        uploads.size("app", upload)


async def test_a_wrong_upload_does_not_take_a_right_one_away(
    store: Store, received: Received, uploads: Uploads
) -> None:
    await uploads.finish("app", uploads.begin("app"), DIGEST, None, sent(DATA))
    with pytest.raises(DigestMismatchError):
        await uploads.finish("app", uploads.begin("app"), DIGEST, None, sent(b"other"))
    assert received.has("app", DIGEST)
    store.collect()
    assert store.content.read(DIGEST) == DATA


async def test_an_upload_goes_on_after_the_client_broke_off(store: Store, uploads: Uploads) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DATA[: 1 << 20]
        while uploads.size("app", upload) == 0:
            await asyncio.sleep(0)  # until the thread has it
        raise ConnectionResetError

    upload = uploads.begin("app")
    with pytest.raises(ConnectionResetError):
        await uploads.write("app", upload, 0, broken())
    size = uploads.size("app", upload)
    assert size == 1 << 20
    await uploads.finish("app", upload, DIGEST, size, sent(DATA[size:]))
    assert store.content.read(DIGEST) == DATA


async def test_who_comes_second_or_at_another_place_is_told_where_it_stands(
    uploads: Uploads,
) -> None:
    going, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        going.set()
        await go.wait()

    upload = uploads.begin("app")
    writing = asyncio.ensure_future(uploads.write("app", upload, None, slow()))
    await going.wait()
    with pytest.raises(UploadRangeError):
        await uploads.write("app", upload, None, sent(b"second"))
    with pytest.raises(UploadRangeError):
        await uploads.cancel("app", upload)
    go.set()
    assert await writing == 5
    with pytest.raises(UploadRangeError) as caught:
        await uploads.write("app", upload, 4, sent(b"x"))
    assert caught.value.size == 5


async def test_an_upload_belongs_to_its_repository(uploads: Uploads) -> None:
    upload = uploads.begin("app")
    for name, wanted in (("other", upload), ("app", "0" * 32)):
        with pytest.raises(UploadUnknownError):
            uploads.size(name, wanted)


async def test_a_cancelled_upload_leaves_nothing(store: Store, uploads: Uploads) -> None:
    before = len(os.listdir("/proc/self/fd"))
    upload = uploads.begin("app")
    await uploads.write("app", upload, None, sent(DATA))
    assert len(os.listdir(store.layout.partials)) == 1
    await uploads.cancel("app", upload)
    assert os.listdir(store.layout.partials) == []
    assert len(os.listdir("/proc/self/fd")) == before


async def test_what_is_left_alone_ends(store: Store, received: Received) -> None:
    uploads = Uploads(store, received, seconds=0.05)
    upload = uploads.begin("app")
    await uploads.write("app", upload, None, sent(DATA))
    async with asyncio.timeout(10):
        while os.listdir(store.layout.partials):
            await asyncio.sleep(0.01)
    with pytest.raises(UploadUnknownError):
        uploads.size("app", upload)


async def test_the_end_of_the_engine_removes_all(store: Store, uploads: Uploads) -> None:
    for _ in range(3):
        await uploads.write("app", uploads.begin("app"), None, sent(b"x"))
    uploads.close()
    assert os.listdir(store.layout.partials) == []
    assert leases(store) == []


async def test_a_full_disk_ends_the_upload(
    store: Store, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploads.begin("app")
    await uploads.write("app", upload, None, sent(b"x"))
    writer = uploads._open[upload].writer

    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write", full)
    with pytest.raises(OSError, match="No space"):
        await uploads.write("app", upload, None, sent(b"y"))
    assert os.listdir(store.layout.partials) == []
    with pytest.raises(UploadUnknownError):
        uploads.size("app", upload)


async def test_uploads_are_bounded(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    uploads.begin("app")
    upload = uploads.begin("app")
    with pytest.raises(TooManyUploadsError):
        uploads.begin("app")
    await uploads.cancel("app", upload)
    uploads.begin("app")


async def test_a_cancelled_request_keeps_nothing_half(store: Store, uploads: Uploads) -> None:
    here = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            here.set()
            yield DATA
            await asyncio.sleep(0)

    upload = uploads.begin("app")
    writing = asyncio.ensure_future(uploads.finish("app", upload, DIGEST, None, endless()))
    await here.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    size = uploads.size("app", upload)
    (name,) = os.listdir(store.layout.partials) or [""]
    assert not name or os.path.getsize(f"{store.layout.partials}/{name}") == size
    await uploads.cancel("app", upload)
    assert os.listdir(store.layout.partials) == []
