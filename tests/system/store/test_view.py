"""Looking through layers without mounting them, as overlayfs would show them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from wherry.oci.digest import Digest, digest_bytes
from wherry.store.store import Store

Make = Callable[..., bytes]
FILE: dict[str, object] = {}


def link(target: str) -> dict[str, object]:
    return {"type": tarfile.SYMTYPE, "linkname": target}


def unpack(store: Store, data: bytes) -> Digest:
    return store.layers.unpack(io.BytesIO(data), "", digest_bytes(data)).diff_id


def test_layers_merge_as_in_an_overlay(store: Store, archive: Make) -> None:
    files = [("d/a", FILE, b"1"), ("d/b", FILE, b"2"), ("e/x", FILE, b"3"), ("f", FILE, b"4")]
    low = unpack(store, archive(*files))
    high = unpack(
        store, archive(("d/.wh.a", FILE, b""), ("e/.wh..wh..opq", FILE, b""), ("f", FILE, b"5"))
    )
    layers = [low, high]
    assert store.snapshots.read_file(layers, "/d/a") is None
    assert store.snapshots.read_file(layers, "/d/b") == b"2"
    assert store.snapshots.read_file(layers, "e/x") is None
    assert store.snapshots.read_file(layers, "f") == b"5"
    assert store.snapshots.read_file(layers, "/d") is None


def test_links_stay_inside(store: Store, archive: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    layer = unpack(
        store,
        archive(
            ("etc/real", FILE, b"r"), ("a", link("/etc"), b""), ("b", link("../../a/real"), b""),
            ("out", link(str(tmp_path / "secret")), b""), ("loop", link("loop"), b""),
        ),
    )  # fmt: skip
    assert store.snapshots.read_file([layer], "/b") == b"r"
    assert store.snapshots.read_file([layer], "/a/real") == b"r"
    assert store.snapshots.read_file([layer], "/out") is None
    assert store.snapshots.read_file([layer], "/loop") is None


def test_a_container_sees_what_it_wrote(store: Store, archive: Make) -> None:
    layer = unpack(store, archive(("f", FILE, b"1")))
    (mount,) = store.snapshots.prepare("c" * 64, [layer])
    assert mount.options[0] == f"lowerdir={store.layers.path(layer)}"
    Path(store.snapshots.upper("c" * 64), "f").write_bytes(b"2")
    assert store.snapshots.read_file([layer], "f", "c" * 64) == b"2"
    assert store.snapshots.usage("c" * 64) == 1
    assert [(c.kind, c.path) for c in store.snapshots.changes("c" * 64, [layer])] == [(0, "/f")]
    store.snapshots.remove("c" * 64)
    assert not Path(store.layout.container("c" * 64)).exists()
