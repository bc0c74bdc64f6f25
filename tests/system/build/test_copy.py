"""COPY into layers: as dockerd's classic builder does it, and as overlayfs then shows it."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from fixtures.archives import TIME, Entry, file, folder, hard, link, on_disk, other, tree_of
from fixtures.deep import removable_folder
from fixtures.stage import Stage
from wherry.base.errors import WherryError
from wherry.build.context.layers import LayersTree
from wherry.build.context.select import Options, select
from wherry.build.ops.chmod import parse_chmod
from wherry.build.ops.copy import (
    Destination,
    How,
    SeveralSourcesError,
    copy,
)
from wherry.build.ops.upper import CopyError, NotADirectoryInTheWayError, WhiteoutNameError
from wherry.build.ops.writer import NonDirectoryInTheWayError
from wherry.store.errors import DiskFullError
from wherry.store.layers.view import LayerView, LinkLoopError

KEEP = How()
A = [file("a", b"A", mode=0o640)]
DIR = [folder("dir", mode=0o700), file("dir/x", b"x"), folder("dir/sub", mode=0o711),
       file("dir/sub/y", b"y", mode=0o600)]  # fmt: skip
LINKS = """
    mkdir -p real/deep; echo old >real/file; ln -s /real to-dir; ln -s real/file to-file
    ln -s ../../../../escape climbs; ln -s /nowhere/deep dangling; ln -s b a; ln -s a b
"""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize(
    ("to", "found"),
    [
        ("/b", {"b": "A"}),
        ("/new/dir/b", {"new": "/", "new/dir": "/", "new/dir/b": "A"}),
        ("/new/", {"new": "/", "new/a": "A"}),
        ("/", {"a": "A"}),
    ],
)
def test_a_file(stage: Stage, to: str, found: dict[str, str]) -> None:
    stage.copy(A, "a", to)
    assert stage.shown() == found
    assert all(stage.told(path) == "755 0:0" for path in found if found[path] == "/")


def test_a_file_keeps_mode_and_time_but_not_its_owner(stage: Stage) -> None:
    entries = [file("a", b"A", mode=0o4711, uid=5, gid=6)]
    stage.copy(entries, "a", "/a")
    stage.copy(entries, "a", "/kept", KEEP)
    assert (stage.told("a"), stage.told("kept")) == ("4711 0:0", "4711 5:6")
    assert stage.node("a").mtime_ns == TIME * 10**9


def test_the_content_of_a_directory(stage: Stage) -> None:
    stage.copy([*DIR, link("dir/l", "../x"), file("dir/empty")], "dir", "/out/new")
    assert stage.shown() == {
        "out": "/", "out/new": "/", "out/new/x": "x", "out/new/sub": "/", "out/new/sub/y": "y",
        "out/new/l": "-> ../x", "out/new/empty": "",
    }  # fmt: skip
    assert [stage.told(p) for p in ("out", "out/new", "out/new/sub", "out/new/sub/y")] == [
        "755 0:0", "755 0:0", "711 0:0", "600 0:0",
    ]  # fmt: skip
    assert stage.node("out/new/sub").mtime_ns == TIME * 10**9
    assert stage.node("out/new").mtime_ns > (time.time() - 600) * 10**9


def test_several(stage: Stage) -> None:
    stage.copy([*A, *DIR, file("b", b"B")], "a b dir", "/out/")
    assert stage.shown() == {
        "out": "/", "out/a": "A", "out/b": "B", "out/x": "x", "out/sub": "/", "out/sub/y": "y",
    }  # fmt: skip
    with pytest.raises(SeveralSourcesError, match="When using COPY with more than one source"):
        stage.copy([*A, file("b")], "a b", "/out")


def test_what_is_below_keeps_its_attributes(stage: Stage) -> None:
    stage.layer("mkdir -p d/s/t; chmod 1750 d; chown 7:8 d d/s; chmod 2711 d/s; echo 1 >d/s/one")
    old = 3 * 10**17
    for name in ("d/s/t", "d/s", "d"):
        os.utime(stage.layers[0] / name, ns=(old, old))
    os.setxattr(stage.layers[0] / "d", "user.note", b"kept")
    stage.copy(A, "a", "/d/s/a")
    assert stage.shown() == {"d": "/", "d/s": "/", "d/s/a": "A", "d/s/one": "1\n", "d/s/t": "/"}
    assert (stage.told("d"), stage.told("d/s")) == ("1750 7:8", "2711 7:8")
    assert (stage.told("d/s/t"), stage.told("d/s/a")) == ("755 0:0", "640 0:0")
    assert stage.node("d").mtime_ns == old
    assert stage.node("d/s").mtime_ns > old
    assert stage.node("d").xattrs == {b"user.note": b"kept"}
    assert on_disk(stage.upper) == {"d": "/", "d/s": "/", "d/s/a": "A"}


def test_merging_changes_what_the_source_has(stage: Stage) -> None:
    stage.layer("mkdir -p d/sub; chmod 751 d; chmod 770 d/sub; chown 9:9 d d/sub; echo o >d/sub/o")
    stage.copy(DIR, "dir", "/d")
    assert (stage.told("d"), stage.told("d/sub")) == ("751 9:9", "711 0:0")
    assert stage.node("d/sub").mtime_ns == TIME * 10**9
    assert stage.shown() == {"d": "/", "d/sub": "/", "d/sub/o": "o\n", "d/sub/y": "y", "d/x": "x"}


def test_chown(stage: Stage) -> None:
    stage.layer("mkdir d")
    how = How(owner=(3, 4), chown=True)
    stage.copy([*A, *DIR, link("dir/l", "x")], "a", "/new/deep/a", how)
    stage.copy([*DIR, link("dir/l", "x")], "dir", "/made/dir", how)
    stage.copy(A, "a", "/d/a", how)
    assert stage.shown()
    assert {path: stage.told(path).split()[1] for path in (
        "new", "new/deep", "new/deep/a", "made", "made/dir", "made/dir/sub/y", "made/dir/l", "d",
        "d/a",
    )} == {
        "new": "3:4", "new/deep": "3:4", "new/deep/a": "3:4", "made": "3:4", "made/dir": "3:4",
        "made/dir/sub/y": "3:4", "made/dir/l": "3:4", "d": "0:0", "d/a": "3:4",
    }  # fmt: skip


def test_chmod(stage: Stage) -> None:
    stage.layer("mkdir -m 701 there")
    entries = [*A, *DIR, link("dir/l", "x")]
    stage.copy(entries, "dir", "/new", How(owner=(0, 0), chmod=parse_chmod("750")))
    stage.copy(entries, "dir", "/there", How(owner=(0, 0), chmod=parse_chmod("u=rwX,go=rX")))
    stage.copy(entries, "a", "/made/a", How(owner=(0, 0), chmod=parse_chmod("4700")))
    paths = ["new", "new/x", "new/sub", "there", "there/sub", "there/sub/y", "made", "made/a"]
    assert [stage.told(path).split()[0] for path in paths] == [
        "750", "750", "750", "701", "755", "644", "755", "4700",
    ]  # fmt: skip


def test_from_a_stage_owners_are_kept(stage: Stage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "s" / "d").mkdir(parents=True)
    (source / "s" / "d" / "f").write_text("f")
    os.link(source / "s" / "d" / "f", source / "s" / "h")
    (source / "s" / "l").symlink_to("h")
    for path, uid in (("s", 5), ("s/d", 6), ("s/d/f", 7), ("s/l", 8)):
        os.chown(source / path, uid, uid, follow_symlinks=False)
    tree = LayersTree(LayerView([str(source)]))
    stage.copy_picks(select(tree, [b"s"], Options(context=False)), "/new", KEEP)
    paths = ["new", "new/d", "new/d/f", "new/l"]
    assert [stage.told(path).split()[1] for path in paths] == ["0:0", "6:6", "7:7", "8:8"]
    assert stage.node("new/h").hard == stage.node("new/d/f").hard is not None
    assert stage.shown()


def test_hard_links_stay_together_in_one_source(stage: Stage) -> None:
    entries = [file("d/a", b"1"), hard("d/s/b", "d/a"), hard("c", "d/a")]
    stage.copy(entries, "d", "/p/")
    stage.copy(entries, "d/a d/s/b c", "/q/")
    assert os.stat(stage.upper / "p/a").st_ino == os.stat(stage.upper / "p/s/b").st_ino
    assert len({os.stat(stage.upper / f"q/{name}").st_ino for name in "abc"}) == 3


@pytest.mark.parametrize(
    ("to", "path"),
    [
        ("/to-dir/a", "real/a"),
        ("/to-dir/", "real/a"),
        ("/to-dir", "real/a"),
        ("/to-dir/deep/new/b", "real/deep/new/b"),
        ("/to-file", "real/file"),
        ("/dangling", "nowhere/deep"),
        ("/climbs/b", "escape/b"),
        ("/real/../to-file", "real/file"),
    ],
)
def test_links_on_the_way_lead_inside(stage: Stage, to: str, path: str) -> None:
    stage.layer(LINKS)
    before = stage.shown()
    stage.copy(A, "a", to)
    now = stage.shown()
    assert now[path] == "A"
    assert {p for p in now if now[p] == "A"} == {path}
    assert {p: t for p, t in now.items() if t.startswith("->")} == {
        p: t for p, t in before.items() if t.startswith("->")
    }


def test_links_that_lead_in_circles(stage: Stage) -> None:
    stage.layer(LINKS)
    with pytest.raises(LinkLoopError, match="too many levels"):
        stage.copy(A, "a", "/a/x")


def test_links_of_the_host_are_not_followed(stage: Stage, tmp_path: Path) -> None:
    """A link in the layer that leads out of it on the host leads nowhere but into the image."""
    outside = tmp_path / "outside"
    outside.mkdir()
    stage.layer(f"ln -s {outside} out; ln -s ../outside rel")
    stage.copy([*A, *DIR], "a", "/out/a")
    stage.copy([*A, *DIR], "dir", "/rel/")
    assert os.listdir(outside) == []
    assert stage.node(f"{outside}/a").size == 1
    assert stage.node("outside/x").size == 1


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([file("dir/f", b"new")], {"f": "new"}),
        ([file("dir/to-d", b"n")], {"to-d": "n"}),
        ([file("dir/to-d/x", b"x")], {"to-d": "/", "to-d/x": "x"}),
        ([link("dir/f", "d")], {"f": "-> d"}),
        ([other("dir/f", tarfile.FIFOTYPE)], {"f": "fifo"}),
        ([file("dir/d/new", b"n")], {"d": "/", "d/new": "n", "d/one": "1\n", "d/s": "/"}),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_there_is_replaced(
    stage: Stage, entries: list[Entry], expected: dict[str, str], deep: bool
) -> None:
    stage.layer("mkdir -p d/s; echo 1 >d/one; echo f >f; ln -s d to-d")
    if deep:
        stage.layer("mkdir -p d/s")
    stage.copy(entries, "dir", "/")
    names = {path.split("/")[0] for path in expected}
    found = stage.shown()
    assert {p: t for p, t in found.items() if p.split("/")[0] in names} == expected
    untouched = {"d", "f", "to-d"} - names
    assert untouched <= found.keys()


@pytest.mark.parametrize(
    ("entry", "source", "words"),
    [
        (file("dir/d"), "dir", "cannot overwrite directory /d with non-directory"),
        (link("dir/d", "f"), "dir", "cannot overwrite directory /d with non-directory"),
        (other("dir/d", tarfile.FIFOTYPE), "dir", "cannot overwrite directory /d with"),
        (file("d"), "d", "cannot overwrite directory /d with non-directory"),
        (file("dir/f/x"), "dir", "cannot copy to non-directory: /f"),
        (file("dir/p/x"), "dir", "cannot copy to non-directory: /p"),
    ],
)
@pytest.mark.parametrize("here", [False, True])
def test_what_does_not_give_way(
    stage: Stage, entry: Entry, source: str, words: str, here: bool
) -> None:
    stage.layer("mkdir -p d/s; echo f >f; mkfifo p")
    stage.layer("mkdir d")
    if here:
        there = [file("dir/d/x"), file("dir/f"), other("dir/p", tarfile.FIFOTYPE)]
        stage.copy(there, "dir", "/")
    with pytest.raises(WherryError) as caught:
        stage.copy([entry], source, "/")
    assert words in str(caught.value)


def test_over_what_was_removed(stage: Stage) -> None:
    stage.layer("mkdir -p d/s; echo o >d/s/o; echo f >f")
    stage.layer("mknod d c 0 0; mknod f c 0 0")
    stage.layer("mkdir -p x")
    assert stage.shown() == {"x": "/"}
    stage.copy([*DIR, *A], "dir", "/d")
    stage.copy([*DIR, *A], "a", "/f")
    assert stage.shown() == {"d": "/", "d/sub": "/", "d/sub/y": "y", "d/x": "x", "f": "A", "x": "/"}


@pytest.mark.parametrize(
    ("source", "to", "error", "words"),
    [
        ("dir", "/f", NonDirectoryInTheWayError, "cannot copy to non-directory: /f"),
        ("dir", "/f/", NonDirectoryInTheWayError, "cannot copy to non-directory: /f"),
        ("a", "/f/", NotADirectoryInTheWayError, "failed to copy files: not a directory: /f"),
        ("a", "/f/x", NotADirectoryInTheWayError, "failed to copy files: not a directory: /f"),
        ("a", "/l/x/y", NotADirectoryInTheWayError, "not a directory: /f"),
        ("dir", "/f/x/y", NotADirectoryInTheWayError, "not a directory: /f"),
        ("a", "/" + "n" * 256, CopyError, "File name too long: /nnn"),
        ("wh", "/", WhiteoutNameError, "names that begin with .wh."),
        ("a", "/.wh.x/", WhiteoutNameError, "names that begin with .wh."),
        ("dir2", "/", CopyError, "device 0:0"),
    ],
)
def test_what_cannot_be(
    stage: Stage, source: str, to: str, error: type[WherryError], words: str
) -> None:
    stage.layer("echo f >f; ln -s f l")
    white = [file("wh/.wh.x"), other("dir2/c", tarfile.CHRTYPE)]
    with pytest.raises(error) as caught:
        stage.copy([*A, *DIR, *white], source, to)
    assert words in str(caught.value)


def test_special_files(stage: Stage) -> None:
    entries = [
        other("d/c", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        other("d/b", tarfile.BLKTYPE, devmajor=7, devminor=1, mode=0o640),
        other("d/p", tarfile.FIFOTYPE, mode=0o622),
    ]
    stage.copy(entries, "d", "/o", How(owner=(3, 4)))
    assert stage.shown()
    assert [stage.told(f"o/{name}") for name in "cbp"] == ["666 3:4", "640 3:4", "622 3:4"]
    assert os.stat(stage.upper / "o/c").st_rdev == os.makedev(1, 3)
    assert stat.S_ISBLK(os.stat(stage.upper / "o/b").st_mode)
    stage.copy(entries, "d/p", "/alone")
    assert stage.node("alone").kind == "fifo"


def test_sockets_are_left_out(stage: Stage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "d").mkdir(parents=True)
    os.mknod(source / "d" / "s", stat.S_IFSOCK | 0o600)
    (source / "d" / "f").touch()
    tree = LayersTree(LayerView([str(source)]))
    stage.copy_picks(select(tree, [b"d"]), "/o")
    assert stage.shown() == {"o": "/", "o/f": ""}
    with pytest.raises(CopyError, match="sockets cannot be copied"):
        stage.copy_picks(select(tree, [b"d/s"]), "/o")


def test_extended_attributes(stage: Stage) -> None:
    headers = {
        "SCHILY.xattr.security.capability":
            bytes.fromhex("0100000200040000000000000000000000000000").decode(),
        "SCHILY.xattr.user.note": "n",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
    }  # fmt: skip
    entries = [file("a", b"A", mode=0o755, pax_headers=headers),
               folder("d", pax_headers=headers), folder("d/s", pax_headers=headers)]  # fmt: skip
    stage.copy(entries, "a", "/a", How(owner=(3, 4)))
    stage.copy(entries, "d", "/d", How(owner=(3, 4)))
    names = {b"security.capability", b"user.note"}
    assert set(stage.node("a").xattrs) == names
    assert set(os.listxattr(stage.upper / "d/s")) == {name.decode() for name in names}


def test_link_does_not_look_below(stage: Stage) -> None:
    stage.layer(LINKS + "mkdir -m 700 d; chown 3:3 d; mkdir g")
    how = How(owner=(0, 0), link=True)
    stage.copy([*A, *DIR], "a", "/to-dir/a", how)
    stage.copy([*A, *DIR], "dir", "/d/", how)
    stage.copy([*A, *DIR], "a", "/g", how)
    assert stage.shown()["to-dir/a"] == "A"
    assert on_disk(stage.upper) == {
        "to-dir": "/", "to-dir/a": "A", "d": "/", "d/x": "x", "d/sub": "/", "d/sub/y": "y",
        "g": "A",
    }  # fmt: skip
    assert stage.told("d") == "755 0:0"


def test_deep_trees() -> None:
    with removable_folder() as top:
        stage = Stage(top)
        entries = [file("d/" + "n/" * 1500 + "f", b"f"), file("d/n/n/g", b"g")]
        stage.copy(entries, "d", "/top/")
        assert (stage.upper / "top/n/n/g").read_bytes() == b"g"
        assert os.stat(f"{stage.upper}/top/{'n/' * 1500}f").st_size == 1
        gc.collect()  # descriptors of earlier tests
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(CopyError, match="File name too long"):
            stage.copy([file("d/" + "n/" * 2030 + "f", b"f")], "d", "/" + "long" * 60)
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        tree = tree_of(tmp_path, file("a", bytes(2_000_000)))
        with pytest.raises(DiskFullError) as caught:
            copy(str(small), LayerView([]), select(tree, [b"a"]), Destination(b"/a"), How())
        assert caught.value.path == str(small)
    finally:
        subprocess.run(["umount", small], check=True)


def test_many_files(stage: Stage) -> None:
    stage.layer("mkdir out; touch out/f3")
    entries = [file(f"d/s{n % 10}/f{n}", b"%d" % n) for n in range(2000)]
    stage.copy([*entries, file("d/f3", b"3")], "d", "/out")
    assert (stage.upper / "out/s7/f1997").read_bytes() == b"1997"
    assert stage.node("out/f3").size == 1


def test_no_descriptor_is_left(stage: Stage) -> None:
    stage.layer("echo f >f")
    before = len(os.listdir("/proc/self/fd"))
    stage.copy([*A, *DIR], "dir", "/x/")
    for source, to in (("dir", "/f/x"), ("a", "/f/"), ("dir", "/f")):
        with pytest.raises(WherryError):
            stage.copy([*A, *DIR], source, to)
    assert len(os.listdir("/proc/self/fd")) == before
