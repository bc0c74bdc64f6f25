"""Blobs that were pushed and are not named yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fixtures.images import leases
from wherry.engine.registry import received as module
from wherry.engine.registry.received import Received
from wherry.oci.digest import Digest
from wherry.store.store import Store


def digests(store: Store) -> list[Digest]:
    return [blob.digest for blob in store.content.walk()]


async def test_what_is_held_stays_until_its_time_has_come(store: Store) -> None:
    received = Received(store, seconds=0.1)
    kept, going = store.content.put(b"kept"), store.content.put(b"going")
    await received.hold("app", going)
    assert received.has("app", going)
    assert not received.has("other", going)
    store.metadata.leases.acquire("another", [kept])
    store.collect()
    assert set(digests(store)) == {kept, going}
    async with asyncio.timeout(10):
        while leases(store) != ["another"] or going in digests(store):
            await asyncio.sleep(0.01)
    assert not received.has("app", going)


async def test_who_asks_again_keeps_it_longer(store: Store) -> None:
    received = Received(store)
    digest = store.content.put(b"x")
    await received.hold("app", digest)
    first = received._held["app", digest]
    timer = first.timer
    await received.hold("app", digest)
    assert received._held["app", digest] is first
    assert timer.cancelled()
    assert first.timer.when() > timer.when()
    assert len(leases(store)) == 1
    await received.close()


async def test_what_an_image_claims_is_held_no_longer_and_stays(store: Store) -> None:
    received = Received(store)
    digest = store.content.put(b"x")
    for name in ("app", "other"):
        await received.hold(name, digest)
    await received.claimed("app", [digest, Digest("sha256:unknown")])
    assert not received.has("app", digest)
    assert received.has("other", digest)
    assert len(leases(store)) == 1
    await received.close()
    assert (leases(store), digests(store)) == ([], [])


async def test_dropping_takes_it_away_unless_it_is_needed(store: Store) -> None:
    received = Received(store)
    digest = store.content.put(b"x")
    for name in ("app", "other"):
        await received.hold(name, digest)
    await received.drop("app", digest)
    assert digests(store) == [digest]
    await received.drop("other", digest)
    assert digests(store) == []
    await received.drop("other", digest)


async def test_the_number_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    received = Received(store)
    first, second, third = (store.content.put(bytes([n])) for n in range(3))
    await received.hold("app", first)
    await received.hold("app", second)
    await received.hold("app", first)
    await received.hold("app", third)
    assert [received.has("app", one) for one in (first, second, third)] == [True, False, True]
    await received.close()


async def test_after_a_kill_the_next_start_removes_it(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path), sync=False)
    digest, pulled = store.content.put(b"pushed"), store.content.put(b"of a pull")
    received = Received(store)
    await received.hold("app", digest)
    store.metadata.leases.acquire("pull-1", [pulled])
    with store.content.writer() as writer:
        writer.write(b"half")
        Path(f"{store.layout.partials}/nameless-x.partial").write_bytes(b"half")
    received._held["app", digest].timer.cancel()
    store.close()
    again = Store.open(str(tmp_path), sync=False)
    assert (digests(again), leases(again)) == ([pulled], [])
    assert list(Path(again.layout.partials).iterdir()) == []
    again.close()
