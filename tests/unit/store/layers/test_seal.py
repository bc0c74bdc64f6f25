"""Sealing a writable directory, and giving it its place."""

from __future__ import annotations

import hashlib
import io
import os
import socket
from pathlib import Path

import pytest

from fixtures.layers import adopted, upper_of
from wherry.base import faults
from wherry.oci.digest import digest_bytes
from wherry.store.layers.diff import write_archive
from wherry.store.layers.headers import END
from wherry.store.layers.seal import is_empty, seal
from wherry.store.store import Store

SECOND = 1_000_000_000


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def times(directory: Path) -> dict[str, int]:
    return {str(p.relative_to(directory)): p.lstat().st_mtime_ns for p in directory.rglob("*")}


def test_the_digest_is_that_of_the_archive(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"x" * 1000)
    (tmp_path / "d" / "b").hardlink_to(tmp_path / "d" / "a")
    (tmp_path / "c").write_bytes(b"y")
    sealed = seal(str(tmp_path))
    sink = io.BytesIO()
    write_archive(str(tmp_path), sink)
    assert sealed.diff_id == f"sha256:{hashlib.sha256(sink.getvalue()).hexdigest()}"
    assert sealed.tar_size == len(sink.getvalue())
    assert (sealed.size, sealed.empty) == (1001, False)
    assert seal(str(tmp_path)) == sealed


def test_late_times_are_set_back_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "late").touch()
    (tmp_path / "d" / "early").touch()
    (tmp_path / "link").symlink_to("nothing")
    os.utime(tmp_path / "d" / "early", ns=(5, 5 * SECOND))
    os.utime(tmp_path / "d", ns=(6, 6 * SECOND))
    seal(str(tmp_path), clamp_ns=10 * SECOND)
    assert times(tmp_path) == {
        "d": 6 * SECOND,
        "d/e": 10 * SECOND,
        "d/e/late": 10 * SECOND,
        "d/early": 5 * SECOND,
        "link": 10 * SECOND,
    }


@pytest.mark.parametrize("clamp_ns", [None, 4 * SECOND])
def test_sockets_go_and_leave_no_trace(tmp_path: Path, clamp_ns: int | None) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    bind(tmp_path / "d" / "s")
    os.utime(tmp_path / "d", ns=(7, 7 * SECOND))
    seal(str(tmp_path), clamp_ns)
    assert os.listdir(tmp_path / "d") == ["f"]
    assert times(tmp_path)["d"] == (clamp_ns or 7 * SECOND)


def test_nothing_but_a_socket_is_nothing(tmp_path: Path) -> None:
    assert is_empty(str(tmp_path))
    bind(tmp_path / "s")
    assert is_empty(str(tmp_path))
    sealed = seal(str(tmp_path))
    assert (sealed.empty, sealed.size, sealed.diff_id) == (True, 0, digest_bytes(END))
    (tmp_path / "d").mkdir()
    assert not is_empty(str(tmp_path))
    assert not seal(str(tmp_path)).empty


def test_an_adopted_directory_is_a_layer(store: Store) -> None:
    upper = upper_of(store, "step", {"d/f": b"content"})
    sealed = store.layers.seal(upper)
    assert not store.layers.has(sealed.diff_id)
    layer = store.layers.adopt(upper, sealed)
    assert (layer.diff_id, layer.size) == (sealed.diff_id, 7)
    assert not os.path.exists(upper)
    assert store.layers.get(sealed.diff_id) == layer
    assert store.snapshots.read_file([sealed.diff_id], "/d/f") == b"content"
    store.layers.settle([sealed.diff_id])
    store.recover()
    assert store.layers.has(sealed.diff_id)


def test_a_layer_that_is_here_already_is_taken_instead(store: Store) -> None:
    first = adopted(store, {"f": b"x"})
    upper = upper_of(store, "step", {"f": b"x"})
    second = store.layers.seal(upper, clamp_ns=0)
    assert second == first
    assert store.layers.adopt(upper, second).diff_id == first.diff_id
    assert os.path.exists(f"{upper}/f")


def test_an_orphan_in_its_place_makes_room(store: Store) -> None:
    upper = upper_of(store, "step", {"f": b"x"})
    sealed = store.layers.seal(upper)
    os.mkdir(store.layers.path(sealed.diff_id))
    store.layers.adopt(upper, sealed)
    assert os.listdir(store.layers.path(sealed.diff_id)) == ["f"]
    assert os.listdir(store.layout.trash) == []


def test_after_a_failure_the_directory_is_where_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper = upper_of(store, "step", {"f": b"x"})
    sealed = store.layers.seal(upper)
    monkeypatch.setattr(faults, "_active", {"layers.adopted": "raise"})
    with pytest.raises(OSError, match="fault point"):
        store.layers.adopt(upper, sealed)
    assert os.path.exists(f"{upper}/f")
    assert not store.layers.has(sealed.diff_id)


def test_nothing_is_never_adopted(store: Store) -> None:
    upper = upper_of(store, "step", {})
    sealed = store.layers.seal(upper)
    with pytest.raises(AssertionError):
        store.layers.adopt(upper, sealed)
