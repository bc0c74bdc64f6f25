"""Holding what is being written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.images import archive, leases
from wherry.base.errors import CancelledError
from wherry.oci.digest import digest_bytes
from wherry.store.lease import lease, lease_or_discard
from wherry.store.store import Store

DATA = archive({"f": b"x"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(str(tmp_path), sync=False)
    yield opened
    opened.close()


def test_what_is_held_is_not_collected(store: Store) -> None:
    with lease(store, "test") as held:
        held.hold(digest_bytes(DATA))
        store.content.put(DATA)
        store.collect()
        assert store.content.has(digest_bytes(DATA))
    assert leases(store) == []
    store.collect()
    assert not store.content.has(digest_bytes(DATA))


def test_after_the_end_nothing_more_can_be_held(store: Store) -> None:
    """A thread that nobody waits for would hold it until the engine ends."""
    with lease(store, "test") as held:
        pass
    with pytest.raises(CancelledError):
        held.hold(digest_bytes(DATA))
    assert leases(store) == []


def test_after_a_failure_what_was_made_goes(store: Store) -> None:
    kept = store.content.put(b"somebody else's, and not yet named")

    def fail() -> None:
        with lease_or_discard(store, "test") as held:
            held.hold(digest_bytes(DATA))
            store.content.put(DATA)
            raise KeyError("why")

    with pytest.raises(KeyError):
        fail()
    assert leases(store) == []
    assert [blob.digest for blob in store.content.walk()] == [kept]


def test_what_another_holds_stays_after_a_failure(store: Store) -> None:
    with lease(store, "other") as other:
        other.hold(digest_bytes(DATA))
        try:
            with lease_or_discard(store, "test") as held:
                held.hold(digest_bytes(DATA))
                store.content.put(DATA)
                raise KeyError("why")
        except KeyError:
            pass
        assert store.content.has(digest_bytes(DATA))
