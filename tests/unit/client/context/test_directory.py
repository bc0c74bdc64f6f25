"""Directories as archives: what is in them, in which order, and what is left out."""

from __future__ import annotations

import io
import os
import socket
import stat
import tarfile
from pathlib import Path

import pytest

from wherry.build.dockerfile.ignore import Matcher
from wherry.client.context.directory import PIECE, ChangedError, Directory, UnreadableError


def archive(directory: Directory) -> bytes:
    data = b"".join(directory.chunks())
    assert len(data) == directory.total
    return data


def archive_of(root: Path) -> bytes:
    # Not just what was counted: a second name has no content, a long one needs more.
    return b"".join(Directory(str(root)).chunks())


def names(root: Path, *patterns: str) -> list[str]:
    matcher = Matcher(patterns) if patterns else None
    data = archive(Directory(str(root), matcher))
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as found:
        return found.getnames()


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    make(tmp_path, "b/c", "b.c", "a", "b/a/x")
    os.symlink("nowhere", tmp_path / "dangling")
    first = archive(Directory(str(tmp_path)))
    assert archive(Directory(f"{tmp_path}/")) == first
    assert names(tmp_path) == ["a", "b", "b/a", "b/a/x", "b/c", "b.c", "dangling"]


def test_an_empty_directory(tmp_path: Path) -> None:
    assert names(tmp_path) == []


def test_content_modes_and_times(tmp_path: Path) -> None:
    big = os.urandom(PIECE * 2 + 17)
    (tmp_path / "big").write_bytes(big)
    (tmp_path / "small").write_bytes(b"x" * 513)
    (tmp_path / "empty").touch()
    os.chmod(tmp_path / "small", 0o4750)
    os.utime(tmp_path / "small", (5, 1_600_000_000.75))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with tarfile.open(fileobj=io.BytesIO(archive(Directory(str(tmp_path))))) as found:
        content = {one.name: found.extractfile(one) for one in found if one.isreg()}
        read = {name: file.read() for name, file in content.items() if file is not None}
        small = found.getmember("small")
        assert found.getmember("pipe").isfifo()
    assert read == {"big": big, "small": b"x" * 513, "empty": b""}
    assert (small.mode, small.mtime, small.uid) == (0o4750, 1_600_000_000, 0)


def test_names_and_links_are_bytes(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    with open(root + b"/\xff\xfe", "wb") as file:
        file.write(b"1")
    os.symlink(b"\xff/\xfd", root + b"/link")
    os.link(root + b"/\xff\xfe", root + b"/\xff\xff")
    data = archive_of(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as found:
        link, file, second = found.getmembers()
    assert os.fsencode(link.linkname) == b"\xff/\xfd"
    assert os.fsencode(file.name) == b"\xff\xfe"
    assert second.islnk()
    assert os.fsencode(second.linkname) == b"\xff\xfe"


def test_other_names_of_a_file_are_hard_links(tmp_path: Path) -> None:
    make(tmp_path, "a/file")
    os.link(tmp_path / "a/file", tmp_path / "b")
    os.chmod(tmp_path / "b", 0o755)
    with tarfile.open(fileobj=io.BytesIO(archive_of(tmp_path))) as found:
        assert found.getmember("a/file").isreg()
        assert found.getmember("b").linkname == "a/file"


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (("*",), []),
        (("a",), ["b", "b/c", "b/c/d", "z"]),
        (("b/c",), ["a", "b", "z"]),
        (("*", "!b/c/d"), ["b", "b/c", "b/c/d"]),
        (("b", "!b/c"), ["a", "b", "b/c", "b/c/d", "z"]),
        (("**/d", "z"), ["a", "b", "b/c"]),
        (("*", "!z"), ["z"]),
    ],
)
def test_ignored_files_are_not_sent(
    tmp_path: Path, patterns: tuple[str, ...], left: list[str]
) -> None:
    make(tmp_path, "a", "b/c/d", "z")
    assert names(tmp_path, *patterns) == left


def test_sockets_are_left_out_and_named(tmp_path: Path) -> None:
    make(tmp_path, "a")
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tmp_path)  # its path may be too long otherwise
        listener.bind("run/s")
        os.chdir(here)
    directory = Directory(str(tmp_path))
    with tarfile.open(fileobj=io.BytesIO(archive(directory))) as found:
        assert found.getnames() == ["a", "run"]
    assert directory.sockets == [b"run/s"]


def test_a_file_that_becomes_shorter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 1000)
    directory = Directory(str(tmp_path))
    list(directory._look())
    (tmp_path / "log").write_bytes(b"x" * 10)
    with pytest.raises(ChangedError, match=r"error checking context: '.*/log' changed"):
        list(directory._send())
    (tmp_path / "log").unlink()
    with pytest.raises(UnreadableError, match=r"can't stat '.*/log': no such file"):
        list(directory._send())


def test_a_file_that_becomes_longer_is_sent_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 1000)
    directory = Directory(str(tmp_path))
    list(directory._look())
    with open(tmp_path / "log", "ab") as file:
        file.write(b"y" * 1000)
    data = b"".join(directory._send())
    with tarfile.open(fileobj=io.BytesIO(data)) as found:
        assert found.getmember("log").size == 1000


def test_what_cannot_be_read_is_named() -> None:
    refused = PermissionError(13, "Permission denied")
    assert str(UnreadableError(b"/ctx/secret", refused)).startswith(
        "error checking context: no permission to read from '/ctx/secret'"
    )
    missing = FileNotFoundError(2, "No such file or directory")
    assert "can't stat '/x': no such file or directory" in str(UnreadableError(b"/x", missing))


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "a")
    directory = Directory(str(tmp_path))
    list(directory._look())
    (tmp_path / "a").unlink()
    os.symlink("/etc/passwd", tmp_path / "a")
    with pytest.raises(UnreadableError):
        list(directory._send())


def test_many_files_are_looked_at_in_turns(tmp_path: Path) -> None:
    for n in range(2500):
        (tmp_path / f"f{n:04}").touch()
    pieces = list(Directory(str(tmp_path)).chunks())
    assert pieces.count(b"") >= 2
    assert max(map(len, pieces)) <= 2 * PIECE


def test_programs_keep_what_they_may(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh")
    os.chmod(tmp_path / "run", 0o755)
    with tarfile.open(fileobj=io.BytesIO(archive(Directory(str(tmp_path))))) as found:
        assert stat.S_IMODE(found.getmember("run").mode) == 0o755
        assert found.getmember("run").pax_headers == {}
