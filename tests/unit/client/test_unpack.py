"""Unpacking what a build made, which may have been made to do harm."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.client.unpack import Unpacker, UnsafeNameError

Entry = tuple[str, bytes, str]  # name, type, content or target


def tar(*entries: Entry, mode: int = 0o644, mtime: int = 1_500_000_000) -> io.BytesIO:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, kind, text in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.mtime = kind, mode, mtime
            if kind == tarfile.REGTYPE:
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
            else:
                entry.linkname = text
                archive.addfile(entry)
    sink.seek(0)
    return sink


FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def unpack(target: Path, *entries: Entry, mode: int = 0o644) -> Unpacker:
    unpacker = Unpacker(str(target))
    unpacker.unpack(tar(*entries, mode=mode))
    return unpacker


def test_files_directories_and_links(tmp_path: Path) -> None:
    target = tmp_path / "new" / "out"
    unpack(
        target, ("./d", DIRECTORY, ""), ("d/f", FILE, "text"), ("l", LINK, "d/f"),
        ("deep/er/x", FILE, "x"), ("h", HARD, "d/f"), mode=0o750,
    )  # fmt: skip
    assert (target / "d/f").read_text() == "text"
    assert os.readlink(target / "l") == "d/f"
    assert os.stat(target / "h").st_ino == os.stat(target / "d/f").st_ino
    assert (target / "deep/er/x").read_text() == "x"
    for name in ("d", "d/f"):
        found = os.stat(target / name)
        assert (found.st_mode & 0o7777, found.st_mtime) == (0o750, 1_500_000_000)
        assert found.st_uid == os.getuid()


def test_a_directory_that_nobody_may_write_gets_its_files_first(tmp_path: Path) -> None:
    unpack(tmp_path, ("d", DIRECTORY, ""), ("d/f", FILE, "x"), mode=0o555)
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o555
    os.chmod(tmp_path / "d", 0o755)


def test_what_was_there_before_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/kept").touch()
    (tmp_path / "l").symlink_to("elsewhere")
    (tmp_path / "was a file").touch()
    unpack(
        tmp_path, ("f", FILE, "new"), ("d", DIRECTORY, ""), ("l", LINK, "here"),
        ("was a file", DIRECTORY, ""), mode=0o755,
    )  # fmt: skip
    assert (tmp_path / "f").read_text() == "new"
    assert (tmp_path / "d/kept").exists()
    assert os.readlink(tmp_path / "l") == "here"
    assert (tmp_path / "was a file").is_dir()


@pytest.mark.parametrize(
    "entries",
    [
        [("../evil", FILE, "x")],
        [("a/../../evil", FILE, "x")],
        [("l", LINK, ".."), ("l/evil", FILE, "x")],
        [("l", LINK, "OUTSIDE"), ("l/evil", FILE, "x")],
        [
            ("l", LINK, "OUTSIDE"),
            ("l", DIRECTORY, ""),
            ("m", LINK, "OUTSIDE"),
            ("m/evil", FILE, ""),
        ],
        [("h", HARD, "../secret")],
        [("h", HARD, "")],
        [("l", LINK, "OUTSIDE"), ("h", HARD, "l/secret")],
    ],
)
def test_no_name_leads_out(tmp_path: Path, entries: list[Entry]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    told = [(name, kind, text.replace("OUTSIDE", str(outside))) for name, kind, text in entries]
    with pytest.raises(UnsafeNameError):
        unpack(tmp_path / "in", *told)
    assert sorted(os.listdir(outside)) == ["secret"]
    assert not (tmp_path / "evil").exists()


def test_an_absolute_name_is_below_the_directory(tmp_path: Path) -> None:
    unpack(tmp_path, ("/etc/passwd", FILE, "x"))
    assert (tmp_path / "etc/passwd").read_text() == "x"


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("safe")
    target = tmp_path / "in"
    unpack(target, ("l", LINK, str(outside)), ("l", FILE, "new"))
    assert outside.read_text() == "safe"
    assert (target / "l").read_text() == "new"


def test_devices_are_left_out(tmp_path: Path) -> None:
    unpacker = unpack(tmp_path, ("null", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, ""))
    assert unpacker.skipped == ["null", "pipe"]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("cut", [lambda data: data[:700], lambda data: b"x" * 600])
def test_half_an_archive_is_an_error(tmp_path: Path, cut: Callable[[bytes], bytes]) -> None:
    whole = tar(("f", FILE, "x" * 5000)).getvalue()
    with pytest.raises(tarfile.TarError):
        Unpacker(str(tmp_path)).unpack(io.BytesIO(cut(whole)))
