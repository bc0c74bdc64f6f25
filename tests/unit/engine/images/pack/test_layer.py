"""The layer's bytes: the same for the same files."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tarfile
from pathlib import Path

import pytest

from wherry.engine.images.pack.collect import Packed
from wherry.engine.images.pack.errors import NoSuchProgramError
from wherry.engine.images.pack.layer import ChangedFileError, _Exactly, write_layer
from wherry.engine.images.pack.tree import Entry
from wherry.store.layers.tar import TarReader


def written(*entries: Entry, time: str = "") -> bytes:
    sink = io.BytesIO()
    environment = {"SOURCE_DATE_EPOCH": time} if time else {}
    digest, size = write_layer(Packed(entries, (), (), ()), sink, environment)
    assert digest == f"sha256:{hashlib.sha256(sink.getvalue()).hexdigest()}"
    assert size == len(sink.getvalue())
    return sink.getvalue()


def test_it_says_what_the_entries_say(tmp_path: Path) -> None:
    (tmp_path / "su").write_bytes(b"program")
    layer = written(
        Entry("/bin", "directory", mode=0o755),
        Entry("/bin/su", "file", str(tmp_path / "su"), 0o4755),
        Entry("/etc/passwd", "file", mode=0o644, content=b"root"),
        Entry("/lib", "symlink", target="usr/lib"),
    )
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        found = archive.getmembers()
        assert [member.name for member in found] == ["bin", "bin/su", "etc/passwd", "lib"]
        assert found[1].mode == 0o4755
        assert found[3].linkname == "usr/lib"
        assert {(m.uid, m.gid, m.mtime) for m in found} == {(0, 0, 0)}
        assert archive.extractfile("bin/su").read() == b"program"  # type: ignore[union-attr]
        assert archive.extractfile("etc/passwd").read() == b"root"  # type: ignore[union-attr]


def test_it_is_reproducible(tmp_path: Path) -> None:
    layers = []
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"same")
        layers.append(written(Entry("/x", "file", str(tmp_path / name), 0o644)))
    assert layers[0] == layers[1]


def test_the_time_can_be_told() -> None:
    with tarfile.open(fileobj=io.BytesIO(written(Entry("/x", "directory"), time="77"))) as archive:
        assert archive.getmembers()[0].mtime == 77


def test_names_of_any_length_and_bytes() -> None:
    name = f"/{'d' * 120}/{'n' * 200}-é-\udcff"
    with tarfile.open(
        fileobj=io.BytesIO(written(Entry(name, "file", content=b"x"))), errors="surrogateescape"
    ) as archive:
        assert archive.getnames() == [name[1:]]


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives capabilities")
def test_capabilities_of_files_are_kept(tmp_path: Path) -> None:
    program = tmp_path / "ping"
    program.write_bytes(b"program")
    value = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
    os.setxattr(program, "security.capability", value)
    reader = TarReader(io.BytesIO(written(Entry("/bin/ping", "file", str(program)))))
    (found,) = list(reader)
    assert found.xattrs == {b"security.capability": value}


def test_a_file_that_is_gone_is_named() -> None:
    with pytest.raises(NoSuchProgramError, match="no such file: /gone/file"):
        written(Entry("/x", "file", "/gone/file"))


def test_a_file_that_shrinks_is_noticed() -> None:
    with pytest.raises(ChangedFileError, match="/x changed while it was packed"):
        _Exactly(io.BytesIO(b"12"), "/x").read(3)
