"""Blobs while others come and go."""

from __future__ import annotations

from wherry.store.store import Store


def test_walking_while_blobs_are_deleted(store: Store) -> None:
    digests = {store.content.put(b"%d" % number) for number in range(5)}
    walk = store.content.walk()
    first = next(walk).digest
    for digest in digests - {first}:
        store.content.delete(digest)
    assert first in digests
    assert list(walk) == []
