"""Blobs that are written before anybody knows what they are."""

from __future__ import annotations

import os

import pytest

from wherry.oci.digest import digest_bytes
from wherry.store.content.writer import BlobMismatchError
from wherry.store.store import Store

DATA = b"x" * 5000


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_blob_whose_digest_is_told_at_the_end(store: Store, algorithm: str) -> None:
    digest = digest_bytes(DATA, algorithm)
    with store.content.writer() as writer:
        writer.write(DATA[:100])
        writer.write(DATA[100:])
        writer.expect(digest)
        assert (writer.digest, writer.offset) == (digest, len(DATA))
        assert writer.commit() == digest
    assert store.content.read(digest) == DATA


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_another_than_was_told_at_the_end_is_removed(store: Store, algorithm: str) -> None:
    with store.content.writer() as writer:
        writer.write(DATA)
        writer.expect(digest_bytes(b"other", algorithm))
        with pytest.raises(BlobMismatchError):
            writer.commit()
    assert os.listdir(store.layout.partials) == []


def test_what_has_no_name_is_not_kept_for_later(store: Store) -> None:
    with store.content.writer() as writer:
        writer.write(DATA)
        writer.expect(digest_bytes(DATA))
    assert os.listdir(store.layout.partials) == []
    with store.content.writer(expected=digest_bytes(DATA)) as writer:
        writer.write(DATA)
    left = os.listdir(store.layout.partials)
    with store.content.writer() as writer:
        writer.write(DATA)
        assert len(os.listdir(store.layout.partials)) == 2
        store.content.recover()
        assert os.listdir(store.layout.partials) == left
