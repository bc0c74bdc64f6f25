"""When the upstream is asked for a manifest, and what is served without it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_MANIFEST
from wherry.registry.server.backend import ManifestUnknownError
from wherry.registry.server.cache.upstream import UpstreamAwayError, UpstreamFaultError

from .conftest import HERE, REFRESH, Case

ABSENT = digest_bytes(b"absent")


async def test_a_tag_is_fetched_once_and_kept(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    manifest = await case.backend.manifest(HERE, "1")
    assert (manifest.digest, manifest.media_type) == (digest, OCI_MANIFEST)
    assert manifest.body == case.upstream.manifests[digest]
    for reference in ("1", digest, "1"):
        assert await case.backend.manifest(HERE, reference) == manifest
    assert case.upstream.asked == {"GET manifests": 1}


async def test_a_digest_is_fetched_once_and_never_asked_for_again(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    for _ in range(3):
        assert await case.tag(digest) == digest
        case.now += 10 * REFRESH
    assert case.upstream.asked == {"GET manifests": 1}
    assert case.own.kept[HERE].tags == {}


async def test_a_tag_is_asked_for_again_in_time(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    await case.tag("1")
    case.now += REFRESH - 1
    assert await case.tag("1") == digest
    assert case.upstream.asked["HEAD manifests"] == 0
    case.now += 1
    for _ in range(3):
        assert await case.tag("1") == digest
    assert case.upstream.asked == {"GET manifests": 1, "HEAD manifests": 1}


async def test_a_tag_that_moves_is_fetched_anew(case: Case) -> None:
    first = case.upstream.push("1", "a")
    await case.tag("1")
    second = case.upstream.push("1", "b")
    assert await case.tag("1") == first
    case.now += REFRESH
    assert await case.tag("1") == second
    assert await case.tag("1") == second
    assert case.own.kept[HERE].tags == {"1": second}
    assert case.upstream.asked == {"GET manifests": 2, "HEAD manifests": 1}


async def test_a_tag_that_moves_back_is_not_fetched(case: Case) -> None:
    first = case.upstream.push("1", "a")
    await case.tag("1")
    case.upstream.push("1", "b")
    case.now += REFRESH
    await case.tag("1")
    case.upstream.tags["1"] = first
    case.now += REFRESH
    assert await case.tag("1") == first
    assert case.own.kept[HERE].tags == {"1": first}
    assert case.upstream.asked["GET manifests"] == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_upstream_that_is_away(case: Case, status: int) -> None:
    digest = case.upstream.push("1", "a")
    await case.tag("1")
    case.now += 1000 * REFRESH
    case.upstream.status = status
    assert await case.tag("1") == digest
    assert await case.tag(digest) == digest
    with pytest.raises(UpstreamAwayError, match="is away"):
        await case.tag("2")


async def test_while_it_is_away_what_is_kept_is_served_without_asking(case: Case) -> None:
    case.upstream.push("1", "a")
    await case.tag("1")
    case.now += REFRESH
    case.upstream.status = 503
    for _ in range(5):
        await case.tag("1")
    assert case.upstream.asked["HEAD manifests"] == 1
    case.upstream.status = 200
    second = case.upstream.push("1", "b")
    case.now += 11
    assert await case.tag("1") == second


async def test_limits_are_respected_for_longer(case: Case) -> None:
    case.upstream.push("1", "a")
    await case.tag("1")
    case.now += REFRESH
    case.upstream.status = 429
    await case.tag("1")
    case.now += 59
    await case.tag("1")
    assert case.upstream.asked["HEAD manifests"] == 1
    case.now += 2
    await case.tag("1")
    assert case.upstream.asked["HEAD manifests"] == 2


async def test_what_the_upstream_does_not_have(case: Case) -> None:
    case.upstream.push("1", "a")
    for reference in ("2", ABSENT):
        with pytest.raises(ManifestUnknownError, match=reference):
            await case.tag(reference)
    with pytest.raises(ManifestUnknownError):
        await case.backend.manifest("hub/other/thing", "1")
    assert case.own.kept == {}


async def test_a_tag_that_has_gone_stays_kept_for_worse_times(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    await case.tag("1")
    case.upstream.tags.clear()
    case.now += REFRESH
    with pytest.raises(ManifestUnknownError):
        await case.tag("1")
    case.upstream.status = 503
    assert await case.tag("1") == digest


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_not_told(
    case: Case, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    case.upstream.push("1", "a")
    case.upstream.status = status
    with caplog.at_level(logging.WARNING), pytest.raises(ManifestUnknownError):
        await case.tag("1")
    assert "refuses this cache" in caplog.text


async def test_a_manifest_that_is_not_what_was_asked_for(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    case.upstream.wrong |= {digest, "1"}
    for reference in (digest, "1"):
        with pytest.raises(UpstreamFaultError, match="verification failed"):
            await case.tag(reference)
    assert case.own.kept == {}
    case.upstream.wrong.clear()
    assert await case.tag("1") == digest


async def test_an_upstream_at_fault_does_not_take_away_what_is_kept(case: Case) -> None:
    first = case.upstream.push("1", "a")
    await case.tag("1")
    second = case.upstream.push("1", "b")
    case.upstream.wrong.add(second)
    case.now += REFRESH
    assert await case.tag("1") == first


async def test_many_at_once_ask_once(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    found = await asyncio.gather(*(case.tag("1") for _ in range(20)))
    assert set(found) == {digest}
    assert case.upstream.asked == {"GET manifests": 1}
    case.now += REFRESH
    await asyncio.gather(*(case.tag("1") for _ in range(20)))
    assert case.upstream.asked["HEAD manifests"] == 1


async def test_what_cannot_be_kept_is_passed_on(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    case.own.full = True
    assert await case.tag("1") == digest
    assert await case.tag(digest) == digest
    assert case.own.kept == {}


async def test_after_deleting_it_is_fetched_again(case: Case) -> None:
    digest = case.upstream.push("1", "a")
    await case.tag("1")
    await case.backend.delete_manifest(HERE, digest, "ann")
    assert case.own.kept[HERE].tags == {}
    assert await case.tag("1") == digest
    await case.backend.delete_tag(HERE, "1", "ann")
    assert await case.tag("1") == digest
    assert case.upstream.asked["GET manifests"] == 3
