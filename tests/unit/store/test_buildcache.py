"""The build cache: what is found, what stays, what goes first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

import pytest

from fixtures.layers import adopted, image_of
from wherry.base.errors import InvalidError
from wherry.oci.digest import Digest
from wherry.store.buildcache import CacheEntry
from wherry.store.layers.seal import SealedLayer
from wherry.store.lease import Lease
from wherry.store.store import Store


def put(store: Store, key: str, files: Mapping[str, bytes], used: int = 1) -> SealedLayer:
    """Cache a step that has made files."""
    sealed = adopted(store, files)
    store.build_cache.put(
        CacheEntry(key, sealed.diff_id, sealed.size, sealed.tar_size, created=used, used=used)
    )
    return sealed


def nothing(key: str, used: int = 1) -> CacheEntry:
    """A step that has changed nothing."""
    return CacheEntry(key, Digest(""), 0, 0, created=used, used=used)


def ids(*keys: str) -> list[str]:
    """Return what entries are called where they are listed."""
    return [hashlib.sha256(key.encode()).hexdigest() for key in keys]


def keys(store: Store) -> list[str]:
    return [entry.key for entry in store.build_cache.all()]


def test_an_entry_comes_back_as_it_was(store: Store) -> None:
    sealed = adopted(store, {"f": b"x"})
    entry = CacheEntry(
        "k", sealed.diff_id, 1, sealed.tar_size, 2, 3, 4, "regular", "RUN x", "below", b"body"
    )
    store.build_cache.put(entry)
    assert store.build_cache.get("k") == entry
    assert store.build_cache.get("other") is None
    store.build_cache.put(nothing("n"))
    assert store.build_cache.get("n") == nothing("n")
    assert keys(store) == ["n", "k"]


def test_prefixes(store: Store) -> None:
    store.build_cache.put(nothing("abc-def"))
    assert store.build_cache.has_prefix("abc-")
    assert store.build_cache.has_prefix("abc-def")
    assert not store.build_cache.has_prefix("abc-e")
    assert not store.build_cache.has_prefix("ab-")


def test_an_entry_keeps_its_layer(store: Store) -> None:
    sealed = put(store, "k", {"f": b"x"})
    store.collect()
    assert store.layers.has(sealed.diff_id)
    assert store.build_cache.get("k") is not None


def test_an_entry_whose_layer_has_gone_is_none(store: Store) -> None:
    sealed = put(store, "k-1", {"f": b"x"})
    store.layers.remove(sealed.diff_id)
    assert store.build_cache.get("k-1") is None
    assert not store.build_cache.has_prefix("k-")
    assert keys(store) == ["k-1"]
    store.recover()
    assert keys(store) == []


def test_a_layer_that_is_replaced_goes(store: Store) -> None:
    first = put(store, "k", {"f": b"1"})
    kept = put(store, "other", {"f": b"2"})
    second = put(store, "k", {"f": b"3"})
    assert [store.layers.has(one.diff_id) for one in (first, kept, second)] == [False, True, True]


def test_use_is_noted(store: Store) -> None:
    for key in ("a", "b"):
        store.build_cache.put(nothing(key, used=5))
    store.build_cache.touch(["a", "a", "unknown"], now_ns=9)
    store.build_cache.touch(["b"], now_ns=4)
    found = [(one.key, one.used, one.uses) for one in store.build_cache.all()]
    assert found == [("b", 5, 2), ("a", 9, 3)]


def test_what_is_listed(store: Store) -> None:
    shared = put(store, "shared", {"f": b"12345"}, used=1)
    put(store, "again", {"f": b"12345"}, used=2)
    held = put(store, "held", {"f": b"123"}, used=3)
    store.build_cache.put(nothing("nothing", used=4))
    image_of(store, shared)
    lease = Lease(store, "build")
    lease.hold(held.diff_id)
    listed = [(u.id, u.size, u.shared, u.in_use) for u in store.build_cache.usage()]
    assert listed == [
        (*ids("shared"), 0, True, False),  # counted for the one that was used after it
        (*ids("again"), 5, True, False),
        (*ids("held"), 3, False, True),
        (*ids("nothing"), 0, False, False),
    ]
    # 5 of the image; what only the cache has is no business of images.
    assert store.usage().layers == 5
    lease.release()


def test_what_was_not_used_for_longest_goes_first(store: Store) -> None:
    for number in range(4):
        put(store, f"k{number}", {"f": bytes([number]) * 100}, used=number)
    assert store.build_cache.prune(keep_bytes=400) == ([], 0)
    assert store.build_cache.prune(keep_bytes=250) == (ids("k0", "k1"), 200)
    assert keys(store) == ["k2", "k3"]
    assert len(store.layers.all()) == 2
    assert store.build_cache.prune() == (ids("k2", "k3"), 200)
    assert store.layers.all() == []


def test_a_layer_counts_until_its_last_entry_goes(store: Store) -> None:
    put(store, "a", {"f": b"x" * 100}, used=1)
    put(store, "b", {"g": b"y" * 100}, used=2)
    put(store, "a2", {"f": b"x" * 100}, used=3)
    assert store.build_cache.prune(keep_bytes=100) == (ids("a", "b"), 100)
    assert keys(store) == ["a2"]
    put(store, "a3", {"f": b"x" * 100}, used=4)
    gone = store.build_cache.prune(filters={"id": ids("a3")})
    assert gone == (ids("a3"), 0)
    assert store.build_cache.get("a2") is not None


def test_what_images_have_as_well_stays_unless_all_goes(store: Store) -> None:
    shared = put(store, "shared", {"f": b"x"})
    put(store, "private", {"f": b"yy"})
    image_of(store, shared)
    assert store.build_cache.prune() == (ids("private"), 2)
    assert store.build_cache.prune(all_=True) == (ids("shared"), 0)
    assert store.layers.has(shared.diff_id)


def test_what_a_build_uses_stays(store: Store) -> None:
    held = put(store, "held", {"f": b"x"})
    store.build_cache.put(nothing("nothing"))
    lease = Lease(store, "build")
    lease.hold(held.diff_id)
    assert store.build_cache.prune(all_=True) == (ids("nothing"), 0)
    lease.release()
    assert store.build_cache.prune() == (ids("held"), 1)


def test_old_and_chosen_entries_go(store: Store) -> None:
    for number in range(4):
        store.build_cache.put(nothing(f"k{number}", used=number))
    assert store.build_cache.prune(older_than_ns=1) == (ids("k0"), 0)
    assert store.build_cache.prune(filters={"id": [f"{ids('k2')[0][-20:]}$"]}) == (ids("k2"), 0)
    with pytest.raises(InvalidError):
        store.build_cache.prune(filters={"nonsense": ["x"]})
    assert keys(store) == ["k1", "k3"]


def test_mounts_are_made_once(store: Store) -> None:
    path, fresh = store.build_cache.mount_directory("/root/.cache", "cache of x")
    assert fresh
    with open(f"{path}/f", "wb") as file:
        file.write(b"123")
    assert store.build_cache.mount_directory("/root/.cache") == (path, False)
    assert store.build_cache.mount_directory("/root/.cache#2")[1]
    store.recover()
    assert os.path.exists(f"{path}/f")
    first = store.build_cache.usage()[0]
    assert (first.kind, first.description, first.size) == ("exec.cachemount", "cache of x", 3)
    assert (first.uses, first.in_use, first.shared) == (2, False, False)
    assert first.id == os.path.basename(path)


def test_mounts_go_unless_they_are_in_use(store: Store) -> None:
    for name in ("a", "b"):
        path, _ = store.build_cache.mount_directory(name)
        with open(f"{path}/f", "wb") as file:
            file.write(b"123")
    listed = store.build_cache.usage(lambda: {"b"})
    assert [one.in_use for one in listed] == [False, True]
    removed, freed = store.build_cache.prune(mounts_in_use=lambda: {"b"})
    assert (removed, freed) == ([listed[0].id], 3)
    assert os.listdir(store.layout.build_mounts) == [listed[1].id]
    assert store.build_cache.prune()[1] == 3
    assert os.listdir(store.layout.build_mounts) == os.listdir(store.layout.trash) == []
    assert store.build_cache.mount_directory("a")[1]


def test_mounts_and_steps_share_one_budget(store: Store) -> None:
    path, _ = store.build_cache.mount_directory("m")
    with open(f"{path}/f", "wb") as file:
        file.write(b"x" * 100)
    put(store, "old", {"f": b"x" * 100}, used=1)
    assert store.build_cache.prune(keep_bytes=150) == (ids("old"), 100)
    assert store.build_cache.prune(keep_bytes=50)[1] == 100


def test_half_of_a_mount_is_removed_at_the_start(store: Store) -> None:
    os.mkdir(store.layout.build_mount("0" * 64))
    path, _ = store.build_cache.mount_directory("lost")
    os.rmdir(path)
    kept, _ = store.build_cache.mount_directory("kept")
    store.recover()
    assert os.listdir(store.layout.build_mounts) == [os.path.basename(kept)]
    assert [one.description for one in store.build_cache.usage()] == ["cache mount kept"]


def test_the_memory_keeps_the_latest(store: Store) -> None:
    cache = store.build_cache
    with store.metadata.database.transaction():
        for number in range(2_010):
            cache.remember(f"slot{number}", b"%d" % number, now_ns=number)
    cache.remember("slot20", b"new", now_ns=3_000)
    assert cache.recall("slot20") == b"new"
    assert cache.recall("slot9") is None
    assert cache.recall("slot10") == b"10"
    assert cache.recall("slot2009") == b"2009"


def test_what_is_too_large_to_remember_is_forgotten(store: Store) -> None:
    store.build_cache.remember("slot", b"small")
    store.build_cache.remember("slot", bytes((1 << 20) + 1))
    assert store.build_cache.recall("slot") is None
