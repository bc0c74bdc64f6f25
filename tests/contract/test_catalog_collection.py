"""What a catalog does for collection and retention, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from fixtures.catalogs import (
    BY,
    LATER,
    NOW,
    digest,
    doomed,
    entry,
    key,
    promised,
    push_blob,
    push_image,
    put,
)
from wherry.registry.server.catalog import garbage, removal, uploads
from wherry.registry.server.catalog.catalog import Segment, Unlinked
from wherry.registry.server.catalog.sql import SqlCatalog


async def test_uploads_that_nobody_continues_expire(
    catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_BATCH", 10)
    for number in range(25):
        await catalog.begin_upload(f"u{number}", "app", NOW)
    piece, kept = await promised(catalog), await promised(catalog)
    await catalog.add_segment("u1", 0, piece, NOW)
    await catalog.add_segment("u2", 0, kept, LATER)
    assert await catalog.expire_uploads(LATER, LATER) == 24
    assert await catalog.expire_uploads(LATER, LATER) == 0
    assert await doomed(catalog, LATER) == {piece.key}
    assert (await catalog.upload("app", "u2")).segments == (kept,)


async def test_idle_blobs_are_taken_out_and_the_last_link_frees_the_object(
    catalog: SqlCatalog,
) -> None:
    await push_image(catalog, "app", 1)
    brought = await push_blob(catalog, "app", 5)
    await catalog.mount("other", digest(5), None, LATER)
    assert await catalog.unlink_idle(NOW, LATER, 10) == Unlinked()
    assert await catalog.unlink_idle(NOW + 1, LATER, 10) == Unlinked(links=1)
    assert await catalog.unlink_idle(LATER + 1, LATER, 10) == Unlinked(links=1, blobs=1, bytes=10)
    assert await catalog.unlink_idle(LATER + 1, LATER, 10) == Unlinked()
    assert await doomed(catalog, LATER) == {brought}
    assert await catalog.blob("app", digest(101)) is not None


async def test_idle_blobs_go_in_bounded_steps(
    catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "_AT_ONCE", 10)
    await asyncio.gather(*(push_blob(catalog, f"app{n % 2}", 1000 + n) for n in range(40)))
    taken = [await catalog.unlink_idle(LATER, LATER, 30) for _ in range(3)]
    assert [one.links for one in taken] == [30, 10, 0]


async def test_a_blob_is_needed_as_long_as_any_manifest_names_it(catalog: SqlCatalog) -> None:
    await push_blob(catalog, "app", 5)
    for number in (1, 2):
        await put(catalog, "app", entry(number, 5))
    await catalog.delete_manifest("app", digest(1), BY, NOW)
    assert await catalog.unlink_idle(LATER, LATER, 10) == Unlinked()
    await catalog.delete_manifest("app", digest(2), BY, NOW)
    assert (await catalog.unlink_idle(LATER, LATER, 10)).blobs == 1


async def test_only_what_nothing_holds_is_dropped(catalog: SqlCatalog) -> None:
    for number in range(1, 6):
        await push_image(catalog, "app", number)
    await put(catalog, "app", entry(10, children=(1,)), "index")
    await put(catalog, "app", entry(11, subject=digest(10)))
    await put(catalog, "app", entry(12, subject=digest(99)))
    await put(catalog, "app", entry(2, 102), "tag")
    await push_image(catalog, "app", 13, now=LATER)
    await push_image(catalog, "else", 3)
    dropped = await catalog.drop_untagged("app", LATER, LATER)
    assert dropped.manifests == 4  # 3, 4, 5 and 12, whose subject is not there
    left = [1, 2, 10, 11, 13]
    there = [n for n in range(20) if await catalog.has_manifest("app", digest(n))]
    assert there == left
    # Without its tag, the index goes, then what it held.
    await catalog.delete_tag("app", "index", BY, NOW)
    assert (await catalog.drop_untagged("app", LATER, LATER)).manifests >= 1
    await catalog.drop_untagged("app", LATER, LATER)
    assert [n for n in left if await catalog.has_manifest("app", digest(n))] == [2, 13]
    assert (await catalog.drop_untagged("app", LATER, LATER)).manifests == 0
    assert await catalog.has_manifest("else", digest(3))


async def test_many_untagged_manifests_are_dropped(
    catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_BATCH", 40)
    await asyncio.gather(*(put(catalog, "app", entry(n, size=2)) for n in range(100)))
    await put(catalog, "app", entry(30), "kept")
    assert await catalog.drop_untagged("app", LATER, LATER) == Unlinked(99, 0, 0, 198)


async def test_tags_that_have_moved_are_not_dropped(catalog: SqlCatalog) -> None:
    for tag in ("a", "b", "c"):
        await put(catalog, "app", entry(1), tag)
    rows = await catalog.tag_rows("app")
    await put(catalog, "app", entry(2), "b", LATER)
    assert await catalog.drop_tags("app", rows[:2], BY, LATER) == 1
    assert await catalog.tags("app", "", 10) == ["b", "c"]
    assert await catalog.drop_tags("app", rows, BY, LATER) == 1
    assert await catalog.resolve("app", "b") == digest(2)


async def test_garbage_is_repeated_until_it_is_buried(catalog: SqlCatalog) -> None:
    first, second = key(), key()
    await catalog.promise(first, NOW)
    await catalog.promise(second, NOW + 1)
    assert await catalog.doom(NOW - 1, 10) == []
    assert await catalog.doom(NOW + 1, 1) == [Segment(first, 0)]
    assert await doomed(catalog, NOW + 1) == {first, second}
    await catalog.buried([first, key()])
    assert await doomed(catalog, NOW + 1) == {second}
    assert await catalog.known([first, second]) == {second}
    await catalog.buried([])


async def test_every_key_that_anything_names_is_known(catalog: SqlCatalog) -> None:
    blob = await push_blob(catalog, "app", 5)
    promise, piece = await promised(catalog), await promised(catalog)
    await catalog.begin_upload("u", "app", NOW)
    await catalog.add_segment("u", 0, piece, NOW)
    strangers = [key() for _ in range(1200)]
    wanted = {blob, promise.key, piece.key}
    assert await catalog.known([*strangers, *wanted]) == wanted
    assert await catalog.known([]) == set()
