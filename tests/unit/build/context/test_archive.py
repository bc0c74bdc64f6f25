"""Contexts that are kept as the archive that came."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import tarfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.archives import TIME, Entry, file, folder, hard, link, other, shown, tarred, tree_of
from wherry.base.errors import InternalError, WherryError
from wherry.build.context.archive import ArchiveTree, spool
from wherry.build.context.digests import walk
from wherry.build.context.tree import Kind, Node
from wherry.store.errors import CorruptContentError


def node_of(tree: ArchiveTree, path: str) -> Node:
    node = tree.get(path.encode())
    assert node is not None
    return node


def test_a_context(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path, folder("d", mode=0o711), file("d/f", b"content", mode=0o640, uid=3, gid=4),
        link("l", "d/f"), hard("h", "d/f"), file("empty"),
    )  # fmt: skip
    assert shown(tree) == {
        "d": "/", "d/f": "content", "empty": "", "h": "content", "l": "-> d/f",
    }  # fmt: skip
    node = node_of(tree, "d/f")
    assert (node.mode, node.uid, node.gid, node.size) == (0o640, 3, 4, 7)
    assert node.mtime_ns == TIME * 10**9
    assert node.hard is not None
    assert tree.digest(node) == hashlib.sha256(b"content").digest()
    assert len(tree) == 5
    assert os.listdir(tmp_path) == []


def test_extents_are_the_content(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("a", b"x" * 700), file("b", b"content"), file("c"))
    for name, content in (("a", b"x" * 700), ("b", b"content"), ("c", b"")):
        (extent,) = tree.extents(node_of(tree, name))
        assert (extent.at, extent.size) == (0, len(content))
        assert os.pread(extent.source.fileno(), extent.size, extent.offset) == content


@pytest.mark.parametrize("size", [1, 511, 512, 513, 5000])
def test_reads_of_any_size(tmp_path: Path, size: int) -> None:
    data = os.urandom(3000)
    archive = tarred(file("a", data), file("b", b"b"))

    class Slow:
        source = io.BytesIO(archive)

        def read(self, wanted: int = -1, /) -> bytes:
            return self.source.read(min(wanted, size))

    tree = spool(Slow(), str(tmp_path))
    assert tree.digest(node_of(tree, "a")) == hashlib.sha256(data).digest()
    with tree.open(node_of(tree, "a")) as content:
        assert content.read(10) + content.read() == data


def test_compressed(tmp_path: Path) -> None:
    tree = spool(io.BytesIO(gzip.compress(tarred(file("a", b"A")))), str(tmp_path))
    assert shown(tree) == {"a": "A"}


def test_special_files(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        other("c", tarfile.CHRTYPE, devmajor=1, devminor=3),
        other("b", tarfile.BLKTYPE, devmajor=7, devminor=0),
        other("p", tarfile.FIFOTYPE),
    )
    assert [(n.kind, n.major, n.minor) for n in walk(tree, node_of(tree, ""))] == [
        (Kind.BLOCK, 7, 0), (Kind.CHARACTER, 1, 3), (Kind.FIFO, 0, 0),
    ]  # fmt: skip


def test_extended_attributes(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("a", pax_headers={"SCHILY.xattr.user.x": "value"}))
    assert node_of(tree, "a").xattrs == {b"user.x": b"value"}


def test_names_that_are_no_text(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("\udcff\udcfe", b"x"), file("grün" * 40, b"y"))
    assert set(shown(tree)) == {"\udcff\udcfe", "grün" * 40}


def sparse(tmp_path: Path, text: bytes, real: int, data: bytes) -> ArchiveTree:
    """PAX sparse 1.0: the map stands in front of the data."""
    stored = text.ljust(512, b"\0") + data
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s",
               "GNU.sparse.realsize": str(real)}  # fmt: skip
    return tree_of(tmp_path, file("GNUSparseFile.0/s", stored, pax_headers=headers), file("t"))


def test_sparse_files(tmp_path: Path) -> None:
    tree = sparse(tmp_path, b"2\n1000\n3\n5000\n2\n", 3_000_000, b"abcde")
    node = node_of(tree, "s")
    expected = bytes(1000) + b"abc" + bytes(3997) + b"de"
    expected += bytes(3_000_000 - len(expected))
    with tree.open(node) as content:
        assert content.read() == expected
    assert [(e.at, e.size) for e in tree.extents(node)] == [(1000, 3), (5000, 2)]
    assert tree.digest(node) == hashlib.sha256(expected).digest()
    assert node.size == 3_000_000


@pytest.mark.parametrize(
    ("text", "real"),
    [
        (b"1\n0\n100\n", 1000),
        (b"2\n10\n2\n0\n2\n", 1000),
        (b"1\n-1\n3\n", 1000),
        (b"1\n0\n-3\n", 1000),
        (b"1\n0\n5\n", 3),
        (b"1\n0\n5\n", 1 << 60),
        (b"9999999999999999999999\n", 5),
        (b"x\n", 5),
    ],
)
def test_sparse_files_that_cannot_be(tmp_path: Path, text: bytes, real: int) -> None:
    with pytest.raises(CorruptContentError):
        sparse(tmp_path, text, real, b"abcde")


def test_what_follows_the_end_is_read_and_forgotten(tmp_path: Path) -> None:
    source = io.BytesIO(tarred(file("a", b"A")) + b"rest" * 100_000)
    tree = spool(source, str(tmp_path))
    assert source.read() == b""
    assert shown(tree) == {"a": "A"}


def test_cut_short(tmp_path: Path) -> None:
    data = tarred(file("a", b"A" * 5000))
    for end in (100, 600, 3000):
        with pytest.raises(CorruptContentError):
            spool(io.BytesIO(data[:end]), str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_an_empty_context(tmp_path: Path) -> None:
    assert shown(tree_of(tmp_path)) == {}
    assert shown(spool(io.BytesIO(b""), str(tmp_path))) == {}


def test_progress(tmp_path: Path) -> None:
    data = tarred(file("a", os.urandom(2_500_000)))
    told: list[int] = []
    spool(io.BytesIO(data), str(tmp_path), told.append)
    assert told == sorted(told)
    assert 2_500_000 < told[-1] <= len(data)


def test_closed(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("a", b"A"))
    (extent,) = tree.extents(node_of(tree, "a"))
    opened = tree.open(node_of(tree, "a"))
    tree.close()
    tree.close()
    # Whoever reads already may go on: the descriptor is not somebody else's now.
    assert opened.read() == b"A"
    assert os.pread(extent.source.fileno(), 1, extent.offset) == b"A"
    with pytest.raises(InternalError):
        tree.open(node_of(tree, "a"))


def test_the_file_goes_with_its_last_reader(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, file("a", b"A"))
    (extent,) = tree.extents(node_of(tree, "a"))
    descriptor = extent.source.fileno()
    tree.close()
    del extent
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_many_readers(tmp_path: Path) -> None:
    files = {f"f{n}": os.urandom(5000) for n in range(50)}
    tree = tree_of(tmp_path, *(file(name, data) for name, data in files.items()))
    wrong: list[str] = []

    def read() -> None:
        for name, data in files.items():
            with tree.open(node_of(tree, name)) as content:
                if content.read() != data:
                    wrong.append(name)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_many_files(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, *(file(f"d{n % 7}/f{n}") for n in range(5000)))
    assert len(tree) == 5007


NAMES = st.sampled_from(
    ["a", "b", "a/b", "a/b/c", "../x", "/abs", "a/../..", "l/x", "./", "\udcff"]
)
TARGETS = st.sampled_from(["a", "b", "/", "..", "../../etc/passwd", "l", "a/b", "", "/etc"])
ENTRIES = st.one_of(
    st.builds(file, NAMES, st.binary(max_size=600)),
    st.builds(folder, NAMES),
    st.builds(link, NAMES, TARGETS),
    st.builds(hard, NAMES, TARGETS),
    st.builds(other, NAMES, st.sampled_from([b"3", b"4", b"6", b"7", b"S", b"V", b"Z"])),
)


@settings(max_examples=300)
@given(st.lists(ENTRIES, max_size=8), st.data())
def test_hostile_archives(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry],
                          data: st.DataObject) -> None:  # fmt: skip
    archive = bytearray(tarred(*entries))
    for place in data.draw(st.lists(st.integers(0, len(archive) - 1), max_size=3)):
        archive[place] ^= data.draw(st.integers(0, 255))
    outside = tmp_path_factory.mktemp("outside")
    inside = outside / "inside"
    inside.mkdir()
    try:
        tree = spool(io.BytesIO(bytes(archive)), str(inside))
    except WherryError:
        pass
    else:
        for node in walk(tree, node_of(tree, "")):
            assert tree.get(node.path) == node
            if node.kind is Kind.FILE and node.size < 1 << 20:
                with tree.open(node) as content:
                    assert len(content.read()) == node.size
    assert os.listdir(outside) == ["inside"]
    assert os.listdir(inside) == []


@given(st.binary(max_size=3000))
def test_noise(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    with contextlib.suppress(WherryError):
        spool(io.BytesIO(noise), str(tmp_path_factory.getbasetemp()))
