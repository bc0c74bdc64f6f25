"""Layers on a real file system: what tar can say survives, what it must not do does not happen."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from wherry.oci.digest import Digest, digest_bytes
from wherry.store.errors import CorruptContentError, HostileArchiveError
from wherry.store.store import Store

Make = Callable[..., bytes]
FILE: dict[str, object] = {}
FOLDER: dict[str, object] = {"type": tarfile.DIRTYPE, "mode": 0o755}


def link(target: str) -> dict[str, object]:
    return {"type": tarfile.SYMTYPE, "linkname": target}


def hard(target: str) -> dict[str, object]:
    return {"type": tarfile.LNKTYPE, "linkname": target}


def unpack(store: Store, data: bytes) -> str:
    """Unpack a plain archive and return the layer's directory."""
    return store.layers.path(store.layers.unpack(io.BytesIO(data), "", digest_bytes(data)).diff_id)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress])
def test_compressions_are_known_by_their_bytes(
    store: Store, archive: Make, compress: Callable[[bytes], bytes]
) -> None:
    data = archive(("a", FILE, b"x"))
    layer = store.layers.unpack(io.BytesIO(compress(data)), "whatever", digest_bytes(data))
    assert Path(store.layers.path(layer.diff_id), "a").read_bytes() == b"x"


def test_metadata_survives(store: Store, archive: Make) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    pax = {
        "mtime": "1234567890.123456789",
        "SCHILY.xattr.security.capability": capability.decode("utf-8", "surrogateescape"),
        "SCHILY.xattr.user.note": "v",
    }
    data = archive(
        ("ping", {"mode": 0o4755, "uid": 3_000_000, "gid": 5, "pax_headers": pax}, b"x"),
        ("null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
        ("fifo", {"type": tarfile.FIFOTYPE}, b""),
        ("tmp", {"type": tarfile.DIRTYPE, "mode": 0o1777, "mtime": 77}, b""),
        ("tmp/" + "n" * 200, FILE, b"long"),
        ("again", hard("ping"), b""),
    )
    root = unpack(store, data)
    told = os.stat(f"{root}/ping")
    assert (told.st_uid, told.st_gid, stat.S_IMODE(told.st_mode)) == (3_000_000, 5, 0o4755)
    assert told.st_mtime_ns == 1234567890123456789
    assert os.getxattr(f"{root}/ping", "security.capability") == capability
    assert os.getxattr(f"{root}/ping", "user.note") == b"v"
    assert os.stat(f"{root}/null").st_rdev == os.makedev(1, 3)
    assert stat.S_ISFIFO(os.stat(f"{root}/fifo").st_mode)
    assert stat.S_IMODE(os.stat(f"{root}/tmp").st_mode) == 0o1777
    assert os.stat(f"{root}/tmp").st_mtime == 77
    assert Path(root, "tmp", "n" * 200).read_bytes() == b"long"
    assert os.path.samefile(f"{root}/again", f"{root}/ping")


def test_whiteouts_become_overlays_own(store: Store, archive: Make) -> None:
    root = unpack(
        store,
        archive(
            (".wh.gone", FILE, b""), ("d/.wh..wh..opq", FILE, b""), ("kept", FILE, b"x"),
            (".wh.kept", FILE, b""), (".wh.anew", FILE, b""), ("anew", FOLDER, b""),
        ),
    )  # fmt: skip
    told = os.lstat(f"{root}/gone")
    assert stat.S_ISCHR(told.st_mode)
    assert told.st_rdev == 0
    assert os.getxattr(f"{root}/d", "trusted.overlay.opaque") == b"y"
    assert Path(root, "kept").read_bytes() == b"x"
    assert os.getxattr(f"{root}/anew", "trusted.overlay.opaque") == b"y"


def test_later_entries_replace_earlier_ones(store: Store, archive: Make) -> None:
    root = unpack(
        store,
        archive(
            ("a", FILE, b"1"), ("a", FOLDER, b""), ("a/b", FILE, b"2"), ("c", FOLDER, b""),
            ("c/d", FILE, b"3"), ("c", FILE, b"4"), ("twice", FILE, b"5"), ("twice", FILE, b"6"),
        ),
    )  # fmt: skip
    assert Path(root, "a/b").read_bytes() == b"2"
    assert Path(root, "c").read_bytes() == b"4"
    assert Path(root, "twice").read_bytes() == b"6"


def test_sparse_files_keep_their_holes(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        file.truncate(9 << 30)
        file.seek(8 << 30)
        file.write(b"here")
    for style in ("gnu", "pax"):
        os.system(f"tar -C {source} --format={style} -S -cf {tmp_path}/s.tar sparse")
        root = unpack(store, (tmp_path / "s.tar").read_bytes())
        told = os.stat(f"{root}/sparse")
        assert told.st_size == 9 << 30
        assert told.st_blocks < 1000
        with open(f"{root}/sparse", "rb") as file:
            file.seek(8 << 30)
            assert file.read(4) == b"here"


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/../evil"])
def test_names_outside_are_refused(store: Store, archive: Make, name: str) -> None:
    data = archive((name, FILE, b"x"))
    with pytest.raises(HostileArchiveError):
        unpack(store, data)
    assert os.listdir(store.layout.layers) == ["empty"]


def test_links_lead_nowhere_outside(store: Store, archive: Make, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "secret").write_text("s")
    data = archive(
        ("out", link(str(victim)), b""), ("up", link("../" * 20 + str(victim)), b""),
        ("out/made", FILE, b"x"), ("up/made", FILE, b"x"), ("/absolute", FILE, b"x"),
    )  # fmt: skip
    root = unpack(store, data)
    assert os.listdir(victim) == ["secret"]
    assert Path(root, "absolute").exists()


def test_hard_links_lead_nowhere_outside(store: Store, archive: Make, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "secret").write_text("s")
    data = archive(("out", link(str(victim)), b""), ("grabbed", hard("out/secret"), b""))
    root = unpack(store, data)
    with pytest.raises(CorruptContentError, match="none of the layers"):
        store.layers.settle([digest_bytes(data)])
    assert not os.path.lexists(f"{root}/grabbed")
    assert os.stat(victim / "secret").st_nlink == 1


def test_writing_through_a_link_of_the_layer(store: Store, archive: Make) -> None:
    data = archive(("usr/lib", FOLDER, b""), ("lib", link("usr/lib"), b""), ("lib/x", FILE, b"x"))
    root = unpack(store, data)
    assert os.readlink(f"{root}/lib") == "usr/lib"
    assert Path(root, "usr/lib/x").read_bytes() == b"x"


def test_hard_link_to_a_lower_layer(store: Store, archive: Make) -> None:
    below = archive(("d", {**FOLDER, "mode": 0o1777}, b""), ("d/f", {"mode": 0o4711}, b"x"))
    above = archive(("d/g", hard("d/f"), b""))
    unpack(store, below)
    root = unpack(store, above)
    store.layers.settle([digest_bytes(below), digest_bytes(above)])
    assert Path(root, "d/g").read_bytes() == b"x"
    assert os.path.samefile(f"{root}/d/g", f"{root}/d/f")
    assert stat.S_IMODE(os.stat(f"{root}/d/g").st_mode) == 0o4711
    assert stat.S_IMODE(os.stat(f"{root}/d").st_mode) == 0o1777


def test_overlays_own_attributes_are_not_taken(store: Store, archive: Make) -> None:
    pax = {"SCHILY.xattr.trusted.overlay.redirect": "/etc"}
    root = unpack(store, archive(("d", {**FOLDER, "pax_headers": pax}, b"")))
    assert os.listxattr(f"{root}/d") == []


def test_a_wrong_diff_id_leaves_nothing(store: Store, archive: Make) -> None:
    wrong = Digest(f"sha256:{hashlib.sha256(b'').hexdigest()}")
    with pytest.raises(CorruptContentError, match="expected"):
        store.layers.unpack(io.BytesIO(archive(("a", FILE, b"x"))), "", wrong)
    assert os.listdir(store.layout.layers) == ["empty"]


@pytest.mark.parametrize("cut", [100, 512, 600, 1100])
def test_cut_short(store: Store, archive: Make, cut: int) -> None:
    data = archive(("a", FILE, b"x" * 2000))
    compressed = gzip.compress(data)
    for damaged in (data[:cut], compressed[: len(compressed) * cut // 2000]):
        with pytest.raises(CorruptContentError):
            store.layers.unpack(io.BytesIO(damaged), "", digest_bytes(data))
    assert os.listdir(store.layout.layers) == ["empty"]


def test_round_trip_is_deterministic(store: Store, archive: Make) -> None:
    data = archive(
        ("b", FILE, b"2"), ("a", hard("b"), b""), (".wh.w", FILE, b""),
        ("d", FOLDER, b""), ("d/.wh..wh..opq", FILE, b""), ("l", link("b"), b""),
    )  # fmt: skip
    root = unpack(store, data)
    with store.layers.diff(root) as first, store.layers.diff(root) as second:
        assert first.diff_id == second.diff_id
        store.layers.unpack(first.file, "", first.diff_id)
    with store.layers.diff(store.layers.path(first.diff_id)) as third:
        assert third.diff_id == first.diff_id
