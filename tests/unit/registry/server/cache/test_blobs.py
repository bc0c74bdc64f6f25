"""Blobs of cached repositories: fetched once, whoever asks, and never wrong."""

from __future__ import annotations

import asyncio

import pytest

from fixtures.upstream import noise
from wherry.oci.digest import digest_bytes
from wherry.registry.blobdrivers.driver import Arriving
from wherry.registry.server.backend import BlobUnknownError
from wherry.registry.server.cache.upstream import UpstreamAwayError, UpstreamFaultError

from .conftest import HERE, Case

LAYER = noise(300_000)
DIGEST = digest_bytes(LAYER)


async def landed(case: Case) -> None:
    """Wait until nothing is on its way."""
    while tasks := list(case.backend._blobs._tasks):
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


async def test_fetched_when_read_and_then_kept(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    blob = await case.backend.blob(HERE, DIGEST)
    assert blob.size == len(LAYER)
    assert case.upstream.asked == {"HEAD blobs": 1}
    assert await case.read(DIGEST) == LAYER
    await landed(case)
    assert case.own.kept[HERE].blobs[DIGEST] == LAYER
    assert await case.read(DIGEST) == LAYER
    assert case.upstream.asked["GET blobs"] == 1


async def test_two_at_once_fetch_once(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    assert await asyncio.gather(*(case.read(DIGEST) for _ in range(8))) == [LAYER] * 8
    assert case.upstream.asked["GET blobs"] == 1
    assert case.own.begun == 1


async def test_the_first_reader_has_bytes_before_the_last_has_come(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    case.upstream.hold = True
    source = (await case.backend.blob(HERE, DIGEST)).source
    assert isinstance(source, Arriving)
    reader = source.open()
    first = await anext(reader)
    assert LAYER.startswith(first)
    case.upstream.go.set()
    assert first + b"".join([piece async for piece in reader]) == LAYER


async def test_it_goes_on_without_its_reader(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    case.upstream.hold = True
    source = (await case.backend.blob(HERE, DIGEST)).source
    assert isinstance(source, Arriving)
    reader = source.open()
    await anext(reader)
    await reader.aclose()
    case.upstream.go.set()
    await landed(case)
    assert case.own.kept[HERE].blobs[DIGEST] == LAYER


async def test_one_that_was_kept_meanwhile(case: Case) -> None:
    """Between asking for the blob and reading it, somebody else has fetched it."""
    case.upstream.push("1", "a", LAYER)
    source = (await case.backend.blob(HERE, DIGEST)).source
    assert isinstance(source, Arriving)
    await case.read(DIGEST)
    await landed(case)
    assert b"".join([piece async for piece in source.open()]) == LAYER
    assert case.upstream.asked["GET blobs"] == 1


async def test_wrong_bytes(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    case.upstream.wrong.add(DIGEST)
    with pytest.raises(UpstreamFaultError, match="other bytes"):
        await case.read(DIGEST)
    await landed(case)
    assert case.own.kept == {}
    assert case.own.uploads == set()
    case.upstream.wrong.clear()
    assert await case.read(DIGEST) == LAYER


async def test_one_that_failed_is_not_waited_for(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared, real = asyncio.Event(), case.own.cancel_upload

    async def cancel_upload(name: str, upload: str) -> None:
        await cleared.wait()
        await real(name, upload)

    monkeypatch.setattr(case.own, "cancel_upload", cancel_upload)
    case.upstream.push("1", "a", LAYER)
    case.upstream.wrong.add(DIGEST)
    with pytest.raises(UpstreamFaultError, match="other bytes"):
        await case.read(DIGEST)
    case.upstream.wrong.clear()
    assert await case.read(DIGEST) == LAYER
    cleared.set()
    await landed(case)
    assert case.own.kept[HERE].blobs == {DIGEST: LAYER}
    assert case.own.uploads == set()


async def test_no_room(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    case.own.full = True
    assert await case.read(DIGEST) == LAYER
    await landed(case)
    assert case.own.kept == {}
    assert case.own.uploads == set()


async def test_what_the_upstream_does_not_have(case: Case) -> None:
    with pytest.raises(BlobUnknownError):
        await case.backend.blob(HERE, DIGEST)
    case.upstream.status = 403
    with pytest.raises(BlobUnknownError):
        await case.backend.blob(HERE, DIGEST)


async def test_an_upstream_that_is_away(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    case.upstream.status = 503
    with pytest.raises(UpstreamAwayError):
        await case.backend.blob(HERE, DIGEST)
    case.upstream.status = 200
    await case.read(DIGEST)
    await landed(case)
    case.upstream.status = 503
    assert await case.read(DIGEST) == LAYER


async def test_an_upstream_that_goes_away_meanwhile(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    source = (await case.backend.blob(HERE, DIGEST)).source
    assert isinstance(source, Arriving)
    case.upstream.status = 503
    with pytest.raises(UpstreamAwayError):
        await anext(source.open())
    await landed(case)
    assert case.own.uploads == set()


async def test_stopping_in_the_middle(case: Case) -> None:
    case.upstream.push("1", "a", LAYER)
    case.upstream.hold = True
    reading = asyncio.create_task(case.read(DIGEST))
    await case.upstream.held.wait()
    await case.backend.close()
    with pytest.raises(Exception, match="stopped"):
        await reading
    assert case.own.kept == {}
    assert case.own.uploads == set()
