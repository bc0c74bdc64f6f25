"""Archives of directories: what is in them, and that they are always the same."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from wherry.store.layers import diff
from wherry.store.layers.diff import write_archive
from wherry.store.layers.headers import END
from wherry.store.layers.walk import ChangedError


def archive(directory: Path) -> bytes:
    sink = io.BytesIO()
    write_archive(str(directory), sink)
    return sink.getvalue()


def test_an_archive_that_tarfile_reads(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o750)
    (tmp_path / "d" / "file").write_bytes(b"x" * 3000)
    (tmp_path / "d" / "hard").hardlink_to(tmp_path / "d" / "file")
    (tmp_path / "link").symlink_to("d/file")
    os.mkfifo(tmp_path / "pipe")
    with tarfile.open(fileobj=io.BytesIO(archive(tmp_path))) as found:
        names = {member.name: member for member in found}
        assert list(names) == ["d", "d/file", "d/hard", "link", "pipe"]
        assert (names["d"].type, names["d"].mode) == (tarfile.DIRTYPE, 0o750)
        assert (names["d/hard"].type, names["d/hard"].linkname) == (tarfile.LNKTYPE, "d/file")
        assert (names["link"].type, names["link"].linkname) == (tarfile.SYMTYPE, "d/file")
        assert names["pipe"].type == tarfile.FIFOTYPE
        data = found.extractfile("d/file")
        assert data is not None
        assert data.read() == b"x" * 3000


def test_nothing_is_an_archive_as_well(tmp_path: Path) -> None:
    assert archive(tmp_path) == END


def test_sockets_are_left_out(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        assert archive(tmp_path) == END


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("1", "2"):
        top = tmp_path / name
        top.mkdir()
        for file in ("b", "a") if name == "1" else ("a", "b"):
            (top / file).write_bytes(b"x" * 400_000)
            os.utime(top / file, ns=(1, 1_234_567_890_123_456_789))
        made.append(archive(top))
    assert made[0] == made[1]


def test_a_file_that_shrinks_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)

    def shrink(place: int) -> dict[bytes, bytes]:
        (tmp_path / "a").write_bytes(b"x")
        return {}

    monkeypatch.setattr(diff, "portable_xattrs", shrink)
    with pytest.raises(ChangedError, match=r"^a changed"):
        archive(tmp_path)
