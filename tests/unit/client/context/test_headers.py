"""Headers of the context's tar, read by other programs."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile

import pytest

from wherry.client.context import headers
from wherry.client.context.headers import BLOCK, END, Entry, header, padding, plain_header


def parsed(entry: Entry, content: bytes = b"") -> tarfile.TarInfo:
    data = header(entry) + content + padding(len(content)) + END
    assert len(data) % BLOCK == 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errors="surrogateescape") as archive:
        (found,) = archive.getmembers()
    return found


@pytest.mark.parametrize(
    "name",
    [
        b"a",
        b"x" * 100,
        b"x" * 101,
        b"d" * 90 + b"/" + b"f" * 90,
        "déjà vu/日本".encode(),
        b"not \xff text",
        b"\xff" * 200,
        b"line\nbreak",
        b"a" * 3000,
    ],
)
def test_names_of_all_kinds(name: bytes) -> None:
    found = parsed(Entry(name, headers.FILE, 0o640, size=3, mtime=1_700_000_000), b"abc")
    assert os.fsencode(found.name) == name
    assert (found.size, found.mode, found.mtime) == (3, 0o640, 1_700_000_000)
    assert (found.uid, found.gid, found.uname, found.gname) == (0, 0, "", "")


@pytest.mark.parametrize("target", [b"t", b"../" * 60 + b"x", b"\xfe/y", "ü".encode()])
@pytest.mark.parametrize("kind", [headers.LINK, headers.HARD_LINK])
def test_targets(kind: int, target: bytes) -> None:
    found = parsed(Entry(b"link", kind, 0o777, target=target))
    assert os.fsencode(found.linkname) == target
    assert found.issym() == (kind == headers.LINK)
    assert found.islnk() == (kind == headers.HARD_LINK)


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        (Entry(b"big", headers.DIRECTORY, 0, size=9 << 30), "size", 9 << 30),
        (Entry(b"old", headers.DIRECTORY, 0, mtime=-5), "mtime", -5),
        (Entry(b"late", headers.DIRECTORY, 0, mtime=1 << 40), "mtime", 1 << 40),
        (Entry(b"all", headers.FILE, 0o7777), "mode", 0o7777),
        (Entry(b"null", headers.CHARACTER, 0o666, rdev=(1, 3)), "devminor", 3),
        (Entry(b"disk", headers.BLOCK_DEVICE, 0o666, rdev=(259, 70000)), "devmajor", 259),
        (Entry(b"pipe", headers.FIFO, 0o644), "type", tarfile.FIFOTYPE),
        (Entry(b"dir/", headers.DIRECTORY, 0o755), "type", tarfile.DIRTYPE),
    ],
)
def test_what_an_entry_says(entry: Entry, field: str, value: object) -> None:
    assert getattr(parsed(entry), field) == value


def test_file_capabilities_are_kept() -> None:
    found = parsed(Entry(b"ping", headers.FILE, 0o755, capability=b"\x01\0\0\x02\xff"))
    value = found.pax_headers["SCHILY.xattr.security.capability"]
    assert os.fsencode(value) == b"\x01\0\0\x02\xff"


def test_lengths_of_records_count_their_own_digits() -> None:
    for length in range(101, 1100):
        assert parsed(Entry(b"n" * length, headers.FILE, 0o644)).name == "n" * length


def test_the_short_way_gives_the_same_header() -> None:
    for name, size, mtime in ((b"a/b", 0, 0), (b"x" * 100, 0o77777777777, 0o77777777777)):
        entry = Entry(name, headers.FILE, 0o644, size=size, mtime=mtime)
        assert plain_header(name, 0o644, size, mtime) == header(entry)
    assert plain_header(b"x" * 101, 0o644, 0, 0) is None
    assert plain_header(b"\xff", 0o644, 0, 0) is None
    assert plain_header(b"x", 0o644, 8 << 30, 0) is None
    assert plain_header(b"x", 0o644, 0, -1) is None


def test_gnu_tar_reads_it() -> None:
    data = header(Entry("é".encode() * 80, headers.FILE, 0o600, size=2)) + b"ok" + padding(2) + END
    done = subprocess.run(["tar", "-xO"], input=data, capture_output=True, check=True)
    assert done.stdout == b"ok"
