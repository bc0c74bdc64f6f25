"""ADD of archives: unpacked into the image, and nowhere else."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import tarfile
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.archives import TIME, Entry, file, folder, hard, link, on_disk, other, tarred
from fixtures.stage import Stage
from wherry.base.errors import WherryError
from wherry.build.ops.chmod import parse_chmod
from wherry.build.ops.copy import How
from wherry.build.ops.upper import CopyError, NotADirectoryInTheWayError
from wherry.store.errors import CorruptContentError, HostileArchiveError

ADD = How(keyword="ADD", owner=(0, 0), unpack=True)
OWN = {"uid": 21, "gid": 22}
PACKED = tarred(
    folder("./", mode=0o700, **OWN), folder("top", mode=0o750, **OWN),
    file("top/f", b"packed", mode=0o4640, **OWN), file("top/deep/f", b"deep", **OWN),
    link("top/l", "f", **OWN), hard("top/h", "top/f", **OWN),
)  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def add(stage: Stage, to: str, *entries: Entry, how: How = ADD) -> None:
    stage.copy([file("x", tarred(*entries))], "x", to, how)


@pytest.mark.parametrize(
    "data",
    [PACKED, gzip.compress(PACKED), bz2.compress(PACKED), lzma.compress(PACKED),
     zstd.compress(PACKED)],
    ids=["tar", "gzip", "bzip2", "xz", "zstd"],
)  # fmt: skip
@pytest.mark.parametrize("to", ["/out", "/out/"])
def test_archives_are_unpacked(stage: Stage, data: bytes, to: str) -> None:
    stage.copy([file("x", data)], "x", to, ADD)
    assert stage.shown() == {
        "out": "/", "out/top": "/", "out/top/f": "packed", "out/top/deep": "/",
        "out/top/deep/f": "deep", "out/top/l": "-> f", "out/top/h": "packed",
    }  # fmt: skip
    paths = ["out", "out/top", "out/top/f", "out/top/deep", "out/top/l"]
    assert [stage.told(path) for path in paths] == [
        "755 0:0", "750 21:22", "4640 21:22", "755 0:0", "777 21:22",
    ]  # fmt: skip
    assert stage.node("out/top").mtime_ns == TIME * 10**9
    assert stage.node("out/top/f").hard == stage.node("out/top/h").hard is not None


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (b"no archive at all", ADD),
        (b"", ADD),
        (gzip.compress(b"text, and not an archive"), ADD),
        (PACKED, How(keyword="ADD", owner=(0, 0))),
    ],
)
def test_what_is_not_unpacked(stage: Stage, data: bytes, how: How) -> None:
    stage.copy([file("x", data)], "x", "/out/", how)
    assert (stage.upper / "out/x").read_bytes() == data


def test_archives_in_a_directory_stay(stage: Stage) -> None:
    stage.copy([file("d/x", PACKED)], "d", "/out", ADD)
    assert os.listdir(stage.upper / "out") == ["x"]


def test_chown_and_chmod(stage: Stage) -> None:
    how = How(keyword="ADD", owner=(3, 4), chown=True, chmod=parse_chmod("700"), unpack=True)
    stage.copy([file("x", PACKED)], "x", "/out", how)
    assert [stage.told(path) for path in ("out", "out/top", "out/top/f", "out/top/l")] == [
        "755 3:4", "750 3:4", "4640 3:4", "777 3:4",
    ]  # fmt: skip


def test_over_what_is_there(stage: Stage) -> None:
    stage.layer(
        "mkdir -p out/top; chmod 751 out; chown 9:9 out; echo o >out/top/f; echo k >out/top/kept"
    )
    stage.copy([file("x", PACKED)], "x", "/out", ADD)
    found = stage.shown()
    assert (found["out/top/f"], found["out/top/kept"]) == ("packed", "k\n")
    assert (stage.told("out"), stage.told("out/top")) == ("751 9:9", "750 21:22")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([file("to-real/x", b"x")], {"real/x": "x"}),
        ([file("up/x", b"x")], {"real/x": "x"}),
        ([file("climbs/x", b"x")], {"etc/x": "x"}),
        ([folder("to-real"), file("to-real/x", b"x")], {"out/to-real/x": "x"}),
        ([file("to-real/x", b"x"), folder("to-real"), file("to-real/y", b"y")],
         {"real/x": "x", "out/to-real/y": "y"}),
        ([link("new", "/real"), file("new/x", b"x")], {"real/x": "x"}),
        ([link("new", "../../../real"), file("new/s/x", b"x")], {"real/s/x": "x"}),
        ([link("n", "d"), folder("d"), file("n/s/x", b"1"), file("d/s", b"2"), file("n/y", b"y")],
         {"out/d/s": "2", "out/d/y": "y"}),
        ([link("n", "d"), file("d/s/x", b"1"), file("n/s", b"2"), folder("n/s"),
          file("d/s/z", b"z")], {"out/d/s/z": "z"}),
        ([file("a/x", b"1"), link("a", "/real"), file("a/x", b"2")], {"real/x": "2"}),
        ([folder("a", mode=0o700), folder("a", mode=0o711)], {"out/a": "/"}),
        ([file("dangling/x", b"x")], {"nowhere/x": "x"}),
        ([hard("h", "top")], {"out/h": "low\n"}),
        ([hard("h", "up/f")], {"out/h": "f\n"}),
        ([file("top", b"new"), hard("h", "top")], {"out/h": "new", "out/top": "new"}),
        ([file("d/top", b"d"), hard("d/top", "top")], {"out/d/top": "low\n"}),
    ],
)  # fmt: skip
def test_links(stage: Stage, entries: list[Entry], expected: dict[str, str]) -> None:
    stage.layer("""
        mkdir real out etc; ln -s /real out/to-real; ln -s ../real out/up; echo f >real/f
        ln -s ../../../etc out/climbs; ln -s /nowhere out/dangling; echo low >out/top
    """)
    before = stage.shown()
    add(stage, "/out", *entries)
    found = stage.shown()
    new = {path: text for path, text in found.items()
           if text not in ("/", before.get(path)) and not text.startswith("->")}  # fmt: skip
    assert new == {path: text for path, text in expected.items() if text != "/"}
    assert expected.items() <= found.items()


def test_the_last_entry_of_a_directory_counts(stage: Stage) -> None:
    add(stage, "/", folder("a", mode=0o700), file("a/x"), folder("a", mode=0o711, uid=5))
    assert stage.told("a") == "711 5:0"


def test_sparse_and_special_files(stage: Stage) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s",
               "GNU.sparse.realsize": "3000000"}  # fmt: skip
    stored = b"1\n1000000\n3\n".ljust(512, b"\0") + b"abc"
    device = other("c", tarfile.CHRTYPE, devmajor=1, devminor=3)
    add(stage, "/", file("x", stored, pax_headers=headers), device, other("p", tarfile.FIFOTYPE))
    told = os.stat(stage.upper / "s")
    assert (told.st_size, told.st_blocks < 100) == (3_000_000, True)
    assert os.stat(stage.upper / "c").st_rdev == os.makedev(1, 3)
    assert stage.node("p").kind == "fifo"


def test_everything_gives_way(stage: Stage) -> None:
    stage.layer("mkdir -p n/below m/s; echo o >n/below/o; echo f >f")
    add(stage, "/", file("n", b"a file"), folder("f"), file("f/x", b"x"),
         link("m", "f"), file("m/y", b"y"))  # fmt: skip
    assert stage.shown() == {
        "n": "a file", "f": "/", "f/x": "x", "f/y": "y", "m": "-> f",
    }  # fmt: skip


def test_what_an_archive_has_replaced_is_replaced_by_copies(stage: Stage) -> None:
    stage.layer("mkdir -p n/below")
    add(stage, "/", file("n", b"old"))
    stage.copy([file("n", b"new")], "n", "/")
    assert stage.shown() == {"n": "new"}


def test_what_came_in_the_way_of_a_directory_still_hides_it(stage: Stage) -> None:
    stage.layer("mkdir -p n/below; echo o >n/below/o")
    add(stage, "/", file("n"), folder("n"), file("n/z", b"z"))
    assert stage.shown() == {"n": "/", "n/z": "z"}
    # Later copies of the same step, and later steps, go on from there.
    stage.copy([file("c/n/below/x", b"x")], "c", "/")
    assert stage.shown() == {"n": "/", "n/z": "z", "n/below": "/", "n/below/x": "x"}
    stage.seal()
    stage.copy([file("a")], "a", "/n/below/a")
    assert set(stage.shown()) == {"n", "n/z", "n/below", "n/below/x", "n/below/a"}


def test_deep_trees_give_way(stage: Stage) -> None:
    add(stage, "/", file("n/" * 1200 + "deep"), file("n", b"file"))
    assert stage.shown() == {"n": "file"}


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ([file("../x")], HostileArchiveError),
        ([file("f"), file("f/x")], NotADirectoryInTheWayError),
        ([file("low/x")], NotADirectoryInTheWayError),
        ([hard("h", "nowhere")], CopyError),
        ([hard("h", "d")], CopyError),
        ([file(".wh.low")], CopyError),
        ([file("a"), hard(".wh.low", "a")], CopyError),
        ([other("c", tarfile.CHRTYPE)], CopyError),
        ([link("l", "")], CopyError),
        ([other("v", b"V")], CorruptContentError),
    ],
)
def test_what_cannot_be(stage: Stage, entries: list[Entry], error: type[WherryError]) -> None:
    stage.layer("echo f >low; mkdir d")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(error):
        add(stage, "/", *entries)
    assert len(os.listdir("/proc/self/fd")) == before


def test_onto_a_file(stage: Stage) -> None:
    stage.layer("echo f >f")
    with pytest.raises(NotADirectoryInTheWayError, match="not a directory: /f"):
        add(stage, "/f", file("x"))


def test_cut_short(stage: Stage) -> None:
    with pytest.raises(CorruptContentError):
        stage.copy([file("x", PACKED[:2000])], "x", "/", ADD)


NAMES = st.sampled_from(["a", "b", "a/b", "a/b/c", "l", "l/x", "low/y", "lk/z", "/abs", "a/../b"])
TARGETS = st.sampled_from(["a", "b", "/", "..", "../../..", "l", "low", "/low", "a/b", "lk"])
ENTRIES = st.one_of(
    st.builds(file, NAMES, st.binary(max_size=20)),
    st.builds(folder, NAMES),
    st.builds(link, NAMES, TARGETS),
    st.builds(hard, NAMES, TARGETS),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ENTRIES, max_size=8))
def test_hostile_archives(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    top = tmp_path_factory.mktemp("hostile")
    stage = Stage(top)
    stage.layer("mkdir low; echo f >low/f; ln -s ../../../../.. lk")
    below = on_disk(stage.layers[0])
    with contextlib.suppress(WherryError):
        add(stage, "/", *entries)
    assert sorted(os.listdir(top)) == ["layer0", "spool", "upper"]
    assert on_disk(stage.layers[0]) == below
