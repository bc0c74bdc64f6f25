"""What a catalog does when several tasks and processes use it at once, and when one is killed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from fixtures.catalogs import (
    BY,
    LATER,
    NOW,
    Shelf,
    digest,
    doomed,
    entry,
    key,
    keys_of,
    promised,
    push_blob,
    push_image,
    put,
)
from fixtures.postgres import Postgres
from wherry.registry.server.backend import (
    BlobUnknownError,
    ImmutableError,
    ManifestBlobUnknownError,
    UploadRangeError,
    UploadUnknownError,
)
from wherry.registry.server.catalog.catalog import Event, Segment, Unlinked
from wherry.registry.server.catalog.database import DatabaseUnavailableError, Transaction
from wherry.registry.server.catalog.part import record
from wherry.registry.server.catalog.sql import SqlCatalog

ROUNDS = 25


async def at_once(*steps: Awaitable[object]) -> list[object]:
    """Begin all at once; return what each has returned or raised."""
    return await asyncio.gather(*steps, return_exceptions=True)


async def consistent(catalog: SqlCatalog) -> None:
    """Fail unless every blob that a repository has can be found, and its object is no garbage."""
    rows = await catalog._database.rows("SELECT repository, digest, needed FROM links")
    keys = await keys_of(catalog)
    for name, linked, needed in rows:
        row = await catalog.blob(name, linked)
        assert row is not None
        assert row.key in keys
        needs = await catalog._database.rows(
            "SELECT 1 FROM needs WHERE repository = $1 AND kind = 'blob' AND digest = $2",
            name,
            linked,
        )
        assert bool(needs) is bool(needed)
    assert not keys & await doomed(catalog, NOW + 1_000_000)


# blobs


async def test_fifty_push_one_blob(catalog: SqlCatalog, other: SqlCatalog) -> None:
    pushes = [push_blob((catalog, other)[n % 2], f"app{n % 5}", 5) for n in range(50)]
    brought = await asyncio.gather(*pushes)
    (kept,) = await keys_of(catalog)
    assert await doomed(other, LATER) == set(brought) - {kept}
    for number in range(5):
        row = await catalog.blob(f"app{number}", digest(5))
        assert row is not None
        assert row.key == kept
    await consistent(catalog)


async def test_a_manifest_and_the_collection_of_its_blob(
    catalog: SqlCatalog, other: SqlCatalog
) -> None:
    names = [f"app{n}" for n in range(ROUNDS)]
    await asyncio.gather(*(push_blob(catalog, name, 5) for name in names))
    puts = [put(catalog, name, entry(1, 5), "v1", LATER) for name in names]
    *done, taken = await at_once(*puts, other.unlink_idle(LATER, LATER, 1000))
    assert isinstance(taken, Unlinked)
    for name, result in zip(names, done, strict=True):
        stored = await catalog.has_manifest(name, digest(1))
        assert stored is (result is None)
        assert (await catalog.blob(name, digest(5)) is not None) is stored
        assert result is None or isinstance(result, ManifestBlobUnknownError)
    assert taken.links == sum(result is not None for result in done)
    await consistent(catalog)


async def test_a_mount_and_the_collection_of_the_last_link(
    catalog: SqlCatalog, other: SqlCatalog
) -> None:
    numbers = range(5, 5 + ROUNDS)
    for number in numbers:
        await push_blob(catalog, "app", number)
    mounts = [catalog.mount("new", digest(number), "app", LATER) for number in numbers]
    *mounted, taken = await at_once(*mounts, other.unlink_idle(LATER, LATER, 1000))
    assert isinstance(taken, Unlinked)
    for number, result in zip(numbers, mounted, strict=True):
        assert (await catalog.blob("new", digest(number)) is not None) is result
    assert taken.blobs == mounted.count(False)
    await consistent(catalog)


async def test_a_push_and_the_collection_of_the_same_blob(
    catalog: SqlCatalog, other: SqlCatalog
) -> None:
    for round_ in range(ROUNDS):
        first = await push_blob(catalog, "app", 5)
        second, taken = await at_once(
            push_blob(catalog, "new", 5, LATER), other.unlink_idle(LATER, LATER, 10)
        )
        assert isinstance(taken, Unlinked)
        assert taken.links == 1, round_
        (kept,) = await keys_of(catalog)
        assert kept == (first if taken.blobs == 0 else second)
        await catalog.delete_blob("new", digest(5))
        assert await doomed(catalog, LATER) == {first, second}
        await catalog.buried([Segment(k, 0).key for k in (first, second)])


async def test_a_manifest_and_the_deletion_of_its_blob(
    catalog: SqlCatalog, other: SqlCatalog
) -> None:
    for _ in range(ROUNDS):
        await push_blob(catalog, "app", 5)
        stored, deleted = await at_once(
            put(catalog, "app", entry(1, 5)), other.delete_blob("app", digest(5))
        )
        if stored is None:
            assert isinstance(deleted, ImmutableError)
            await catalog.delete_manifest("app", digest(1), BY, NOW)
            await catalog.delete_blob("app", digest(5))
        else:
            assert isinstance(stored, ManifestBlobUnknownError)
            assert deleted is None
    assert await catalog.blobs("", 10) == []


async def test_an_index_and_the_deletion_of_its_child(
    catalog: SqlCatalog, other: SqlCatalog
) -> None:
    for number in range(ROUNDS):
        name = f"app{number}"
        await put(catalog, name, entry(1))
        removal = (
            other.delete_manifest(name, digest(1), BY, NOW)
            if number % 2
            else other.drop_untagged(name, LATER, LATER)
        )
        stored, _ = await at_once(put(catalog, name, entry(2, children=(1,)), "v1"), removal)
        assert await catalog.has_manifest(name, digest(1)) is (stored is None)
        assert await catalog.has_manifest(name, digest(2)) is (stored is None)


async def test_a_blob_that_somebody_asks_for_while_it_is_collected(postgres_url: str) -> None:
    # SQLite has one writer: there it is never both.
    async with contextlib.AsyncExitStack() as stack:
        shelf = Shelf(postgres_url)
        stack.push_async_callback(shelf.close)
        catalog, other = await shelf.open(), await shelf.open()
        await push_blob(catalog, "app", 5)
        async with holding(other, "blob", digest(5)):
            collecting = asyncio.ensure_future(catalog.unlink_idle(LATER, LATER, 10))
            await waits_for_a_lock(other)
            assert await other.touch("app", digest(5), LATER)
        assert await collecting == Unlinked()
        assert await catalog.blob("app", digest(5)) is not None


async def test_an_event_is_not_seen_before_those_with_lower_numbers(postgres_url: str) -> None:
    shelf = Shelf(postgres_url)
    try:
        catalog, other = await shelf.open(), await shelf.open()
        await catalog.cursor("hook")

        async def first(tx: Transaction) -> None:
            await record(tx, Event(0, "push", "app", "first", digest(1), "", BY, NOW))

        async with in_the_middle(other, first):
            second = asyncio.ensure_future(put(catalog, "app", entry(1), "second"))
            await waits_for_a_lock(other)
            assert await catalog.events(0, 10) == []
        await second
        assert [one.tag for one in await catalog.events(0, 10)] == ["first", "second"]
    finally:
        await shelf.close()


@contextlib.asynccontextmanager
async def holding(catalog: SqlCatalog, kind: str, name: str) -> AsyncIterator[None]:
    """Have a lock meanwhile."""
    async with in_the_middle(catalog, lambda tx: tx.lock(kind, name)):
        yield


@contextlib.asynccontextmanager
async def in_the_middle(
    catalog: SqlCatalog, work: Callable[[Transaction], Awaitable[None]]
) -> AsyncIterator[None]:
    """Do something in a transaction, which ends afterwards."""
    done, release = asyncio.Event(), asyncio.Event()

    async def waiting(tx: Transaction) -> None:
        await work(tx)
        done.set()
        await release.wait()

    working = asyncio.ensure_future(catalog._database.transact(waiting))
    await done.wait()
    try:
        yield
    finally:
        release.set()
        await asyncio.wait([working])
    working.result()


async def waits_for_a_lock(catalog: SqlCatalog) -> None:
    """Return when somebody else waits for a lock; the server tells it to those who ask."""
    while not await catalog._database.rows(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    ):
        await asyncio.sleep(0.005)


# uploads


async def test_two_pieces_for_one_place(catalog: SqlCatalog, other: SqlCatalog) -> None:
    await catalog.begin_upload("u", "app", NOW)
    for stands in range(0, 10 * ROUNDS, 10):
        pieces = [await promised(catalog), await promised(other)]
        results = await at_once(
            catalog.add_segment("u", stands, pieces[0], NOW),
            other.add_segment("u", stands, pieces[1], NOW),
        )
        winner = results.index(None)
        loser = results[1 - winner]
        assert isinstance(loser, UploadRangeError)
        assert loser.size == stands + 10
        assert (await catalog.upload("app", "u")).segments[-1] == pieces[winner]
        assert await doomed(catalog, NOW + 1000) == {pieces[1 - winner].key}
        await catalog.buried([pieces[1 - winner].key])


async def test_an_upload_ends_once(catalog: SqlCatalog, other: SqlCatalog) -> None:
    for number in range(ROUNDS):
        upload, piece = f"u{number}", await promised(catalog)
        await catalog.begin_upload(upload, "app", NOW)
        results = await at_once(
            catalog.finish_upload(upload, "app", digest(number), piece, NOW),
            other.finish_upload(upload, "app", digest(number), await promised(other), NOW),
            other.cancel_upload("app", upload, NOW),
            catalog.expire_uploads(LATER, LATER),
        )
        unknown = [isinstance(one, UploadUnknownError) for one in results[:3]]
        expired = results[3]
        assert unknown.count(False) + int(expired == 1) == 1
        assert (await catalog.blob("app", digest(number)) is not None) is not all(unknown[:2])
    await consistent(catalog)


async def test_an_object_is_claimed_or_collected(catalog: SqlCatalog, other: SqlCatalog) -> None:
    for number in range(ROUNDS):
        upload, piece = f"u{number}", await promised(catalog, due=NOW)
        await catalog.begin_upload(upload, "app", NOW)
        claimed, due = await at_once(
            catalog.add_segment(upload, 0, piece, NOW), doomed(other, NOW + 1)
        )
        assert due == (set() if claimed is None else {piece.key})
        assert claimed is None or isinstance(claimed, UploadUnknownError)
        await catalog.buried([piece.key])
        assert await catalog.known([piece.key]) == ({piece.key} if claimed is None else set())


# what processes share


async def test_one_of_many_claims_a_task(catalog: SqlCatalog, other: SqlCatalog) -> None:
    for task in range(5):
        claims = [
            (catalog, other)[n % 2].claim(f"task{task}", f"owner{n}", NOW, LATER) for n in range(10)
        ]
        assert sorted(await asyncio.gather(*claims)) == [False] * 9 + [True]


async def test_secrets_proposed_at_once(catalog: SqlCatalog, other: SqlCatalog) -> None:
    for number in range(5):
        proposals = [(catalog, b"a"), (other, b"b"), (catalog, b"c"), (other, b"d")]
        secrets = await asyncio.gather(
            *(one.secret(f"secret{number}", proposal) for one, proposal in proposals)
        )
        assert len(set(secrets)) == 1


async def test_a_reader_of_events_sees_each_once(catalog: SqlCatalog, other: SqlCatalog) -> None:
    cursor, seen, count = await catalog.cursor("hook"), [], 60
    pushing = asyncio.gather(
        *(put((catalog, other)[n % 2], f"app{n % 7}", entry(n), f"v{n}") for n in range(count))
    )
    while len(seen) < count:
        events = await other.events(cursor, 7)
        seen += [event.tag for event in events]
        assert events or not pushing.done(), f"{count - len(seen)} were never seen"
        if events:
            cursor = events[-1].id
            await other.advance("hook", cursor)
        await asyncio.sleep(0)
    await pushing
    assert sorted(seen) == sorted(f"v{n}" for n in range(count))
    assert await other.events(0, 10) == []


async def test_everything_at_once(catalog: SqlCatalog, other: SqlCatalog) -> None:
    draw = random.Random(7)
    names, failures = ["a", "b", "c"], Counter[str]()
    await catalog.cursor("hook")

    async def client(one: SqlCatalog) -> None:
        for _ in range(15):
            name, number = draw.choice(names), draw.randrange(1, 6)
            steps: list[Callable[[], Awaitable[object]]] = [
                partial(push_image, one, name, number, "v1", NOW),
                partial(one.mount, name, digest(number + 100), None, NOW),
                partial(one.delete_manifest, name, digest(number), BY, NOW),
                partial(one.delete_blob, name, digest(number + 100)),
                partial(one.unlink_idle, LATER, LATER, 10),
                partial(one.drop_untagged, name, LATER, LATER),
                partial(one.expire_uploads, NOW, LATER),
            ]
            try:
                await draw.choice(steps)()
            except DatabaseUnavailableError:
                raise
            except Exception as error:
                failures[type(error).__name__] += 1

    await asyncio.gather(*(client((catalog, other)[n % 2]) for n in range(12)))
    known = {"ManifestUnknownError", "RepositoryUnknownError", "ManifestBlobUnknownError"}
    assert set(failures) <= {*known, BlobUnknownError.__name__, ImmutableError.__name__}
    await consistent(catalog)
    for name in names:
        for number in range(1, 6):
            if await catalog.has_manifest(name, digest(number)):
                assert await catalog.blob(name, digest(number + 100)) is not None


async def test_what_is_cancelled_has_happened_or_not(
    catalog: SqlCatalog, other: SqlCatalog
) -> None:
    for number in range(ROUNDS):
        pushing = asyncio.ensure_future(push_image(catalog, "app", number, f"v{number}"))
        for _ in range(number):
            await asyncio.sleep(0)
        pushing.cancel()
        await asyncio.wait([pushing])
        await put(other, "app", entry(1000), "last")
    for number in range(ROUNDS):
        if f"v{number}" in await catalog.tags("app", "", 1000):
            assert await catalog.has_manifest("app", digest(number))
            assert await catalog.blob("app", digest(number + 100)) is not None
    await consistent(catalog)


# processes that are killed


async def test_a_promise_outlives_its_process(shelf: Shelf) -> None:
    await shelf.killed("await catalog.promise(key(1), NOW)")
    assert await doomed(await shelf.open(), NOW) == {key(1)}


async def test_what_was_acknowledged_outlives_its_process(shelf: Shelf) -> None:
    await shelf.killed("""
await catalog.begin_upload('u', 'app', NOW)
await catalog.promise(key(1), NOW)
await catalog.add_segment('u', 0, Segment(key(1), 10), NOW)
await push_blob(catalog, 'app', 5)
await catalog.put_manifest('app', entry(1, 5), 'v1', BY, NOW, may_move=True)
""")
    catalog = await shelf.open()
    assert (await catalog.upload("app", "u")).segments == (Segment(key(1), 10),)
    assert await catalog.resolve("app", "v1") == digest(1)
    assert await catalog.blob("app", digest(5)) is not None
    assert await doomed(catalog, NOW + 1000) == set()


async def test_what_is_killed_in_a_transaction_never_was(shelf: Shelf) -> None:
    await shelf.killed("""
await catalog.promise(key(1), NOW)
await catalog.begin_upload('u', 'app', NOW)
begun = catalog._database.transact
async def transact(work, durable=True):
    async def killed(tx):
        await work(tx)
        kill()
    await begun(killed, durable=durable)
catalog._database.transact = transact
await catalog.finish_upload('u', 'app', digest(5), Segment(key(1), 10), NOW)
""")
    catalog = await shelf.open()
    assert await catalog.blob("app", digest(5)) is None
    # Neither the object nor any lock is held by the dead.
    await catalog.finish_upload("u", "app", digest(5), Segment(key(1), 10), NOW)
    assert await keys_of(catalog) == {key(1)}


async def test_what_a_dead_process_has_doomed_is_not_claimed_but_repeated(shelf: Shelf) -> None:
    await shelf.killed("await catalog.promise(key(1), NOW)\nawait catalog.doom(NOW, 10)")
    catalog = await shelf.open()
    await catalog.begin_upload("u", "app", NOW)
    with pytest.raises(UploadUnknownError):
        await catalog.add_segment("u", 0, Segment(key(1), 10), NOW)
    assert await doomed(catalog, NOW) == {key(1)}


# beginnings, and a server that goes away


async def test_several_open_an_empty_database_at_once(
    request: pytest.FixtureRequest, where: str
) -> None:
    if where.startswith("postgresql:"):
        where = request.getfixturevalue("empty_url")
    shelf = Shelf(where)
    try:
        await asyncio.gather(*(shelf.open() for _ in range(5)), *(shelf.killed("") for _ in "ab"))
        await asyncio.gather(*(push_blob(one, "app", 5) for one in shelf.opened))
    finally:
        await shelf.close()


async def test_connections_that_break_are_made_anew(postgres: Postgres, postgres_url: str) -> None:
    shelf = Shelf(postgres_url)
    try:
        catalog, other = await shelf.open(), await shelf.open()
        async with holding(other, "repository", "app"):
            putting = asyncio.ensure_future(put(catalog, "app", entry(1), "v1"))
            await waits_for_a_lock(other)
            await asyncio.to_thread(postgres.disconnect_all)
            with pytest.raises(DatabaseUnavailableError):
                await putting
            with contextlib.suppress(DatabaseUnavailableError):
                await catalog.check()
    except DatabaseUnavailableError:
        pass  # of the one that had the lock
    try:
        await put(catalog, "app", entry(1), "v1")
        assert await catalog.resolve("app", "v1") == digest(1)
    finally:
        await shelf.close()


async def test_a_server_that_stops_and_comes_back(postgres: Postgres, postgres_url: str) -> None:
    shelf = Shelf(postgres_url)
    try:
        catalog = await shelf.open()
        await put(catalog, "app", entry(1), "v1")
        await asyncio.to_thread(postgres.stop)
        try:
            with pytest.raises(DatabaseUnavailableError, match="does PostgreSQL run there"):
                await catalog.check()
            with pytest.raises(DatabaseUnavailableError):
                await put(catalog, "app", entry(2), "v2")
        finally:
            await asyncio.to_thread(postgres.start)
        await catalog.check()
        assert await catalog.tags("app", "", 10) == ["v1"]
    finally:
        await shelf.close()
