"""What a catalog does, on both databases; collection has a suite of its own, and so have races."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from fixtures.catalogs import (
    BY,
    LATER,
    NOW,
    digest,
    doomed,
    entry,
    key,
    keys_of,
    numbers,
    promised,
    push_blob,
    push_image,
    put,
)
from wherry.oci import image
from wherry.registry.server.backend import (
    BlobUnknownError,
    ImmutableError,
    ManifestBlobUnknownError,
    ManifestUnknownError,
    RepositoryDetail,
    RepositoryUnknownError,
    UploadRangeError,
    UploadUnknownError,
)
from wherry.registry.server.catalog import listing
from wherry.registry.server.catalog.catalog import Robot, Segment, TagRow, Unlinked
from wherry.registry.server.catalog.sql import SqlCatalog


def everything(_: str) -> bool:
    return True


# manifests and tags


async def test_what_is_put_is_found(catalog: SqlCatalog) -> None:
    await push_blob(catalog, "team/app", 5)
    made = entry(1, 5)
    await put(catalog, "team/app", made, "v1")
    assert await catalog.resolve("team/app", "v1") == digest(1)
    assert await catalog.has_manifest("team/app", digest(1))
    assert await catalog.manifest("team/app", digest(1)) == made.manifest
    assert not await catalog.has_manifest("team/app", digest(2))
    assert not await catalog.has_manifest("nobody", digest(1))


async def test_what_is_not_there_is_told_apart(catalog: SqlCatalog) -> None:
    await push_image(catalog, "app", 1, "v1")
    with pytest.raises(ManifestUnknownError):
        await catalog.resolve("app", "v2")
    with pytest.raises(ManifestUnknownError):
        await catalog.manifest("app", digest(2))
    with pytest.raises(RepositoryUnknownError):
        await catalog.resolve("other", "v1")
    with pytest.raises(RepositoryUnknownError):
        await catalog.manifest("other", digest(1))
    with pytest.raises(RepositoryUnknownError):
        await catalog.tags("other", "", 10)
    with pytest.raises(RepositoryUnknownError):
        await catalog.tag_details("other", "", 10)
    with pytest.raises(ManifestUnknownError):
        await catalog.resolve("app", "\udcff")


async def test_a_manifest_needs_its_blobs_and_children_in_the_same_repository(
    catalog: SqlCatalog,
) -> None:
    await push_blob(catalog, "app", 5)
    await push_blob(catalog, "other", 6)
    with pytest.raises(ManifestBlobUnknownError) as caught:
        await put(catalog, "app", entry(1, 5, 6, 7, children=(8,)), "v1")
    assert numbers(caught.value.missing) == [6, 7, 8]
    with pytest.raises(RepositoryUnknownError):
        await catalog.resolve("app", "v1")
    assert await catalog.repositories("", 10, everything) == []


async def test_a_manifest_with_very_many_blobs(catalog: SqlCatalog) -> None:
    wanted = list(range(1000, 2100))
    with pytest.raises(ManifestBlobUnknownError) as caught:
        await put(catalog, "app", entry(1, *wanted))
    assert numbers(caught.value.missing) == wanted
    await put(catalog, "app", entry(1, *wanted), require=False)
    assert await catalog.has_manifest("app", digest(1))


async def test_a_tag_moves_where_it_may(catalog: SqlCatalog) -> None:
    await push_image(catalog, "app", 1, "v1")
    await push_image(catalog, "app", 2)
    with pytest.raises(ImmutableError):
        await put(catalog, "app", entry(2, 102), "v1", may_move=False)
    await put(catalog, "app", entry(1, 101), "v1", may_move=False)
    assert await catalog.resolve("app", "v1") == digest(1)
    await put(catalog, "app", entry(2, 102), "v1", LATER)
    assert await catalog.tag_rows("app") == [TagRow("v1", digest(2), LATER)]


async def test_a_copy_comes_before_what_it_names_and_keeps_it(catalog: SqlCatalog) -> None:
    await catalog.cursor("webhook")
    await put(catalog, "mirror", entry(1, 5, children=(9,)), "v1", require=False)
    assert await catalog.events(0, 10) == []
    await push_blob(catalog, "mirror", 5)
    await push_blob(catalog, "mirror", 6)
    assert await catalog.unlink_idle(LATER, LATER, 10) == Unlinked(links=1, blobs=1, bytes=10)
    assert await catalog.blob("mirror", digest(5)) is not None


async def test_a_manifest_is_deleted_with_its_tags(catalog: SqlCatalog) -> None:
    await push_image(catalog, "app", 1, "v1")
    await put(catalog, "app", entry(1, 101), "v2")
    await push_image(catalog, "app", 2, "v3")
    with pytest.raises(ImmutableError, match="v2"):
        await catalog.delete_manifest("app", digest(1), BY, NOW, keeps={"v2", "v9"}.__contains__)
    await catalog.delete_manifest("app", digest(1), BY, NOW, keeps={"v3"}.__contains__)
    assert await catalog.tags("app", "", 10) == ["v3"]
    with pytest.raises(ManifestUnknownError):
        await catalog.delete_manifest("app", digest(1), BY, NOW)
    with pytest.raises(RepositoryUnknownError):
        await catalog.delete_manifest("other", digest(1), BY, NOW)


async def test_a_part_of_an_index_is_not_deleted(catalog: SqlCatalog) -> None:
    await push_image(catalog, "app", 1)
    await put(catalog, "app", entry(2, children=(1,)), "v1")
    with pytest.raises(ImmutableError):
        await catalog.delete_manifest("app", digest(1), BY, NOW)
    await catalog.delete_manifest("app", digest(2), BY, NOW)
    await catalog.delete_manifest("app", digest(1), BY, NOW)


async def test_a_repository_that_holds_nothing_is_gone(catalog: SqlCatalog) -> None:
    await push_image(catalog, "app", 1, "v1")
    await catalog.delete_tag("app", "v1", BY, NOW)
    assert await catalog.tags("app", "", 10) == []
    with pytest.raises(ManifestUnknownError):
        await catalog.delete_tag("app", "v1", BY, NOW)
    await catalog.delete_manifest("app", digest(1), BY, NOW)
    assert await catalog.repositories("", 10, everything) == []
    with pytest.raises(RepositoryUnknownError):
        await catalog.delete_tag("app", "v1", BY, NOW)
    # Its blob is there until collection takes it: it can be pushed again.
    await put(catalog, "app", entry(1, 101), "v1")
    assert await catalog.repositories("", 10, everything) == ["app"]


# lists


async def test_lists_are_in_order_of_bytes_and_in_pages(catalog: SqlCatalog) -> None:
    names = ["A", "B-1", "B.1", "B1", "B_1", "a", "a-b", "ab"]
    await push_blob(catalog, "app", 101)
    for tag in reversed(names):
        await put(catalog, "app", entry(1, 101), tag)
    assert await catalog.tags("app", "", 100) == names
    assert await catalog.tags("app", "", 3) == names[:3]
    assert await catalog.tags("app", names[2], 3) == names[3:6]
    assert await catalog.tags("app", "B.2", 1) == ["B1"]
    assert await catalog.tags("app", "zzz", 3) == []
    assert [one.name for one in await catalog.tag_details("app", "B1", 2)] == ["B_1", "a"]


async def test_repositories_are_in_order_of_bytes_and_only_visible_ones(
    catalog: SqlCatalog,
) -> None:
    names = ["a", "a-b", "a.b", "a/b", "a0", "a_b", "ab"]
    for name in reversed(names):
        await put(catalog, name, entry(1))
    assert await catalog.repositories("", 100, everything) == names
    assert await catalog.repositories("a-b", 2, everything) == ["a.b", "a/b"]
    shown = await catalog.repositories("", 2, lambda name: name.startswith("a_") or name == "ab")
    assert shown == ["a_b", "ab"]
    assert await catalog.repositories("", 0, everything) == []


async def test_a_page_is_filled_from_behind_many_that_are_not_visible(
    catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_BATCH", 50)
    await asyncio.gather(*(put(catalog, f"r{n:03}", entry(1)) for n in range(110)))
    asked = []

    def visible(name: str) -> bool:
        asked.append(name)
        return name.endswith("9")

    assert await catalog.repositories("r015", 4, visible) == ["r019", "r029", "r039", "r049"]
    assert len(asked) == 50
    assert await catalog.repositories("r095", 4, visible) == ["r099", "r109"]
    assert await catalog.repositories("", 1, lambda name: name == "r109") == ["r109"]


async def test_search_finds_parts_of_names_as_they_are_written(catalog: SqlCatalog) -> None:
    await push_image(catalog, "team/web_app", 1, "v1", NOW)
    await push_image(catalog, "team/web_app", 2, "v2", LATER)
    await push_image(catalog, "team/webxapp", 3, "v1")
    found = RepositoryDetail("team/web_app", 2, 20, LATER)
    assert await catalog.search("b_a", 10, everything) == [found]
    names = [one.name for one in await catalog.search("", 10, everything)]
    assert names == ["team/web_app", "team/webxapp"]
    assert [one.name for one in await catalog.search("WEBX", 10, everything)] == ["team/webxapp"]
    assert [one.name for one in await catalog.search("e", 1, everything)] == ["team/web_app"]
    for text in ("%", "\\", "app_", "ß", "a\0", "\udcff"):
        assert await catalog.search(text, 10, everything) == []
    assert await catalog.search("web", 10, lambda _: False) == []


async def test_details_of_tags(catalog: SqlCatalog) -> None:
    await put(catalog, "app", entry(1, size=100, platforms=("linux/amd64",)))
    await put(catalog, "app", entry(2, size=300, platforms=("linux/arm64",)))
    index = entry(
        3,
        children=(1, 2),
        size=7,
        platforms=("linux/amd64", "linux/arm64 v8"),
        media_type=image.OCI_INDEX,
    )
    await put(catalog, "app", index, "all", LATER)
    await put(catalog, "app", entry(1, size=100, platforms=("linux/amd64",)), "one")
    every, one = await catalog.tag_details("app", "", 10)
    assert (every.name, every.digest, every.media_type) == ("all", digest(3), image.OCI_INDEX)
    assert (every.size, every.pushed) == (307, LATER)
    assert every.platforms == ("linux/amd64", "linux/arm64 v8")
    assert (one.name, one.size, one.platforms) == ("one", 100, ("linux/amd64",))


async def test_tags_for_retention_begin_with_the_last_pushed(
    catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_BATCH", 2)
    for tag, pushed in (("b", NOW), ("d", LATER), ("a", NOW), ("c", NOW + 1)):
        await put(catalog, "app", entry(1), tag, pushed)
    assert [row.name for row in await catalog.tag_rows("app")] == ["d", "c", "a", "b"]
    assert await catalog.tag_rows("nobody") == []


async def test_referrers_are_what_their_manifests_said(catalog: SqlCatalog) -> None:
    said = {"artifact_type": "a/b", "annotations": {"k": "ä"}}
    second = entry(3, subject=digest(1))
    first = entry(4, subject=digest(1), descriptor=said)
    await put(catalog, "app", first, "", NOW)
    await put(catalog, "app", second, "", LATER)
    await put(catalog, "app", entry(5, subject=digest(2)))
    assert await catalog.referrers("app", digest(1)) == [first.descriptor, second.descriptor]
    assert await catalog.referrers("app", digest(9)) == []
    assert await catalog.referrers("nobody", digest(1)) == []


# blobs


async def test_a_blob_is_its_repositorys(catalog: SqlCatalog) -> None:
    brought = await push_blob(catalog, "app", 5, size=77)
    row = await catalog.blob("app", digest(5))
    assert row is not None
    assert (row.digest, row.size, row.key, row.touched) == (digest(5), 77, brought, NOW)
    assert await catalog.blob("other", digest(5)) is None
    assert await catalog.touch("app", digest(5), LATER)
    assert not await catalog.touch("other", digest(5), LATER)
    row = await catalog.blob("app", digest(5))
    assert row is not None
    assert row.touched == LATER


async def test_a_blob_is_mounted_from_where_it_is(catalog: SqlCatalog) -> None:
    brought = await push_blob(catalog, "app", 5)
    assert not await catalog.mount("new", digest(5), "other", NOW)
    assert not await catalog.mount("new", digest(6), None, NOW)
    assert await catalog.mount("new", digest(5), "app", NOW)
    assert await catalog.mount("newer", digest(5), None, NOW)
    await catalog.delete_blob("app", digest(5))
    row = await catalog.blob("newer", digest(5))
    assert row is not None
    assert row.key == brought
    assert await doomed(catalog, LATER) == set()


async def test_a_blob_is_deleted_unless_a_manifest_needs_it(catalog: SqlCatalog) -> None:
    await push_image(catalog, "app", 1)
    with pytest.raises(ImmutableError):
        await catalog.delete_blob("app", digest(101))
    with pytest.raises(BlobUnknownError):
        await catalog.delete_blob("app", digest(5))
    brought = await push_blob(catalog, "app", 5)
    await catalog.delete_blob("app", digest(5))
    assert await catalog.blob("app", digest(5)) is None
    assert await doomed(catalog, NOW) == {brought}


async def test_the_second_object_of_a_blob_is_garbage(catalog: SqlCatalog) -> None:
    first = await push_blob(catalog, "app", 5)
    second = await push_blob(catalog, "other", 5)
    third = await push_blob(catalog, "app", 5, LATER)
    assert await keys_of(catalog) == {first}
    assert await doomed(catalog, LATER) == {second, third}
    row = await catalog.blob("app", digest(5))
    assert row is not None
    assert row.touched == LATER


async def test_blobs_of_the_whole_registry_in_pages(catalog: SqlCatalog) -> None:
    for number in (3, 1, 2):
        await push_blob(catalog, "app", number)
    await catalog.mount("other", digest(1), None, NOW)
    first = await catalog.blobs("", 2)
    assert numbers([row.digest for row in first]) == [1, 2]
    assert numbers([row.digest for row in await catalog.blobs(first[-1].digest, 2)]) == [3]


# uploads


async def test_an_upload_in_pieces_becomes_a_blob(catalog: SqlCatalog) -> None:
    await catalog.begin_upload("u", "app", NOW)
    assert (await catalog.upload("app", "u")).segments == ()
    pieces = [await promised(catalog, size) for size in (10, 20)]
    await catalog.add_segment("u", 0, pieces[0], NOW)
    await catalog.add_segment("u", 10, pieces[1], NOW)
    known = await catalog.upload("app", "u")
    assert known.segments == tuple(pieces)
    assert known.size == 30
    whole = await promised(catalog, 30)
    await catalog.finish_upload("u", "app", digest(5), whole, LATER)
    assert await keys_of(catalog) == {whole.key}
    assert await doomed(catalog, LATER) == {piece.key for piece in pieces}
    with pytest.raises(UploadUnknownError):
        await catalog.upload("app", "u")


async def test_the_only_piece_becomes_the_blob_itself(catalog: SqlCatalog) -> None:
    await catalog.begin_upload("u", "app", NOW)
    piece = await promised(catalog)
    await catalog.add_segment("u", 0, piece, NOW)
    await catalog.finish_upload("u", "app", digest(5), piece, NOW)
    assert await keys_of(catalog) == {piece.key}
    assert await doomed(catalog, NOW + 1000) == set()


async def test_a_piece_comes_where_the_upload_stands(catalog: SqlCatalog) -> None:
    await catalog.begin_upload("u", "app", NOW)
    piece = await promised(catalog)
    with pytest.raises(UploadRangeError) as caught:
        await catalog.add_segment("u", 5, piece, NOW)
    assert caught.value.size == 0
    await catalog.add_segment("u", 0, piece, NOW)
    with pytest.raises(UploadRangeError) as caught:
        await catalog.add_segment("u", 0, await promised(catalog), NOW)
    assert caught.value.size == 10
    with pytest.raises(UploadUnknownError):
        await catalog.add_segment("u2", 0, await promised(catalog), NOW)


async def test_uploads_that_are_not_there(catalog: SqlCatalog) -> None:
    await catalog.begin_upload("u", "app", NOW)
    spare = await promised(catalog)
    for name, upload in (("other", "u"), ("app", "u2"), ("app", "\0"), ("app", "\udcff")):
        with pytest.raises(UploadUnknownError):
            await catalog.upload(name, upload)
        with pytest.raises(UploadUnknownError):
            await catalog.cancel_upload(name, upload, NOW)
    for name, upload in (("other", "u"), ("app", "u2")):
        with pytest.raises(UploadUnknownError):
            await catalog.finish_upload(upload, name, digest(5), spare, NOW)
    # An object that nobody promised, and one that collection has.
    with pytest.raises(UploadUnknownError):
        await catalog.finish_upload("u", "app", digest(5), Segment(key(), 1), NOW)
    await doomed(catalog, NOW + 1000)
    with pytest.raises(UploadUnknownError):
        await catalog.finish_upload("u", "app", digest(5), spare, NOW)
    with pytest.raises(UploadUnknownError):
        await catalog.add_segment("u", 0, spare, NOW)
    assert (await catalog.upload("app", "u")).size == 0


async def test_what_a_cancelled_upload_had_is_garbage(catalog: SqlCatalog) -> None:
    await catalog.begin_upload("u", "app", NOW)
    piece = await promised(catalog)
    await catalog.add_segment("u", 0, piece, NOW)
    await catalog.cancel_upload("app", "u", NOW)
    assert await doomed(catalog, NOW) == {piece.key}
    with pytest.raises(UploadUnknownError):
        await catalog.cancel_upload("app", "u", NOW)


# robots, secrets, events


async def test_robots(catalog: SqlCatalog) -> None:
    robot = Robot("ci", {"team/*": ("pull", "push")}, NOW, NOW + 1, "admin", "hash")
    await catalog.put_robot(robot)
    await catalog.put_robot(Robot("backup", {}, NOW))
    assert await catalog.robot("ci") == robot
    assert [one.name for one in await catalog.robots()] == ["backup", "ci"]
    changed = dataclasses.replace(robot, expires=None)
    await catalog.put_robot(changed)
    assert await catalog.robot("ci") == changed
    assert await catalog.robot("nobody") is None
    assert await catalog.robot("\0") is None
    assert await catalog.delete_robot("ci")
    assert not await catalog.delete_robot("ci")


async def test_a_secret_stays_what_it_was_first(catalog: SqlCatalog, other: SqlCatalog) -> None:
    assert await catalog.secret("tokens", b"\0first") == b"\0first"
    assert await other.secret("tokens", b"second") == b"\0first"
    assert await other.secret("sessions", b"third") == b"third"


async def test_events_tell_what_happened_in_order(catalog: SqlCatalog) -> None:
    assert await catalog.cursor("hook") == 0
    await push_image(catalog, "app", 1, "v1")
    await catalog.mount("other", digest(101), "app", NOW)
    await catalog.delete_tag("app", "v1", BY, LATER)
    await catalog.delete_manifest("app", digest(1), BY, LATER)
    with pytest.raises(ManifestBlobUnknownError):
        await put(catalog, "app", entry(2, 7))
    events = await catalog.events(0, 10)
    told = [(one.action, one.repository, one.tag, one.digest, one.by) for one in events]
    assert told == [
        ("push", "app", "v1", digest(1), BY),
        ("mount", "other", "", digest(101), ""),
        ("delete", "app", "v1", digest(1), BY),
        ("delete", "app", "", digest(1), BY),
    ]
    assert events[0].media_type == image.OCI_MANIFEST
    assert [one.time for one in events] == [NOW, NOW, LATER, LATER]
    assert await catalog.events(events[1].id, 1) == events[2:3]


async def test_retention_tells_what_it_deletes(catalog: SqlCatalog) -> None:
    await put(catalog, "app", entry(1), "v1")
    await catalog.cursor("hook")
    await catalog.drop_tags("app", await catalog.tag_rows("app"), "retention", NOW)
    await catalog.drop_untagged("app", LATER, LATER)
    told = [(one.action, one.tag, one.by) for one in await catalog.events(0, 10)]
    assert told == [("delete", "v1", "retention"), ("delete", "", "retention")]


async def test_events_are_kept_until_every_webhook_has_had_them(catalog: SqlCatalog) -> None:
    await put(catalog, "app", entry(1), "v0")  # nobody listens yet
    assert await catalog.cursor("first") == 0
    for number in range(4):
        await put(catalog, "app", entry(1), f"v{number}")
    ids = [one.id for one in await catalog.events(0, 10)]
    assert len(ids) == 4
    assert await catalog.cursor("second") == ids[-1]
    await catalog.advance("first", ids[1])
    await catalog.advance("first", ids[0])
    assert await catalog.cursor("first") == ids[1]
    assert [one.id for one in await catalog.events(0, 10)] == ids[2:]
    await catalog.advance("first", ids[-1])
    await put(catalog, "app", entry(1), "v9")
    (last,) = await catalog.events(0, 10)
    assert last.id > ids[-1]


async def test_an_event_that_nobody_fetches_is_forgotten_in_the_end(catalog: SqlCatalog) -> None:
    await catalog.cursor("taken out of the settings")
    await put(catalog, "app", entry(1), "old")
    month = NOW + 30 * 86_400
    await put(catalog, "app", entry(1), "new", month)
    assert [one.tag for one in await catalog.events(0, 10)] == ["new"]


async def test_one_owner_claims_a_task_until_its_time_is_over(catalog: SqlCatalog) -> None:
    assert await catalog.claim("collection", "a", NOW, NOW + 10)
    assert not await catalog.claim("collection", "b", NOW + 5, NOW + 15)
    assert await catalog.claim("collection", "a", NOW + 5, NOW + 15)
    assert not await catalog.claim("collection", "b", NOW + 14, NOW + 24)
    assert await catalog.claim("collection", "b", NOW + 15, NOW + 25)
    assert not await catalog.claim("collection", "a", NOW + 16, NOW + 26)
    assert await catalog.claim("other", "a", NOW, NOW + 10)


async def test_it_answers(catalog: SqlCatalog) -> None:
    await catalog.check()
