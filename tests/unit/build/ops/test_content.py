"""The bytes of files, from any tree into a new file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.archives import file, tree_of
from wherry.build.context.directory import DirectoryTree
from wherry.build.context.memory import MemoryTree
from wherry.build.context.tree import Node, Tree
from wherry.build.ops.content import Contents

DATA = {"empty": b"", "small": b"abc", "large": os.urandom(3_000_001)}
HOLES = b"a" * 100_000 + bytes(2_000_000) + b"b" * 10 + bytes(1_000_000)


def in_archive(folder: Path) -> Tree:
    return tree_of(folder, *(file(name, data) for name, data in DATA.items()))


def in_directory(folder: Path) -> Tree:
    top = folder / "top"
    top.mkdir()
    for name, data in DATA.items():
        (top / name).write_bytes(data)
    return DirectoryTree(str(top))


def in_memory(_: Path) -> Tree:
    return MemoryTree({name.encode(): data for name, data in DATA.items()})


def written(tree: Tree, name: str, target: Path) -> os.stat_result:
    node = tree.get(name.encode())
    assert isinstance(node, Node)
    with target.open("wb") as opened:
        Contents(tree).write(node, opened.fileno())
    return target.stat()


@pytest.mark.parametrize("make", [in_archive, in_directory, in_memory])
@pytest.mark.parametrize("name", DATA)
def test_whatever_the_tree(tmp_path: Path, make: Callable[[Path], Tree], name: str) -> None:
    written(make(tmp_path), name, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == DATA[name]


@pytest.mark.parametrize("make", [in_archive, in_directory])
def test_where_the_kernel_does_not_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Tree]
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "across")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    written(make(tmp_path), "large", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == DATA["large"]


def test_holes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    with (tmp_path / "top" / "s").open("wb") as source:
        source.write(HOLES[:100_000])
        source.seek(2_100_000)
        source.write(b"b" * 10)
        source.truncate(len(HOLES))
    told = written(DirectoryTree(str(tmp_path / "top")), "s", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == HOLES
    assert told.st_blocks * 512 < 1_000_000


def test_nothing_but_a_hole(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    with (tmp_path / "top" / "s").open("wb") as source:
        source.truncate(10_000_000)
    told = written(DirectoryTree(str(tmp_path / "top")), "s", tmp_path / "target")
    assert (told.st_size, told.st_blocks) == (10_000_000, 0)


def test_holes_of_an_archive(tmp_path: Path) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s",
               "GNU.sparse.realsize": str(len(HOLES))}  # fmt: skip
    stored = b"2\n0\n100000\n2100000\n10\n".ljust(512, b"\0") + b"a" * 100_000 + b"b" * 10
    tree = tree_of(tmp_path, file("x", stored, pax_headers=headers))
    told = written(tree, "s", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == HOLES
    assert told.st_blocks * 512 < 1_000_000


def test_zeros_of_a_stream(tmp_path: Path) -> None:
    told = written(MemoryTree({b"s": HOLES}), "s", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == HOLES
    assert told.st_blocks * 512 < 1_000_000
