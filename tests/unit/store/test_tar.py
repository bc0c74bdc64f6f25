"""The tar reader against tarfile, and against noise."""

from __future__ import annotations

import contextlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.store.errors import CorruptContentError, HostileArchiveError
from wherry.store.layers.tar import TarReader
from wherry.store.layers.unpack import split_name

FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
NAMES = st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=300)


@given(FORMATS, NAMES, st.binary(max_size=2000), st.integers(0, 2**40), st.integers(0, 2**32 - 2))
def test_reads_what_tarfile_writes(kind: int, name: str, data: bytes, mtime: int, uid: int) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=kind) as out:
        entry = tarfile.TarInfo(f"d/{name}")
        entry.size, entry.mtime, entry.uid = len(data), mtime, uid
        out.addfile(entry, io.BytesIO(data))
    reader = TarReader(io.BytesIO(sink.getvalue()))
    (found,) = [(e.name, b"".join(reader.data()), e.mtime_ns, e.uid) for e in reader]
    assert found == (f"d/{name}".encode(), data, mtime * 10**9, uid)


@given(st.binary(max_size=3000))
def test_noise_is_an_error_of_ours(noise: bytes) -> None:
    reader = TarReader(io.BytesIO(noise))
    with contextlib.suppress(CorruptContentError):
        for _ in reader:
            pass


@given(st.binary(min_size=1, max_size=40), st.integers(0, 511))
def test_damaged_headers_are_errors_of_ours(damage: bytes, at: int) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as out:
        out.addfile(tarfile.TarInfo("x"))
    data = bytearray(sink.getvalue())
    data[at : at + len(damage)] = damage
    header = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\0 " % sum(header)
    with contextlib.suppress(CorruptContentError):
        for _ in TarReader(io.BytesIO(bytes(data))):
            pass


@pytest.mark.parametrize(
    ("name", "components"),
    [(b"a/b", [b"a", b"b"]), (b"./a//b/", [b"a", b"b"]), (b"/a/../b", [b"b"]), (b"./", [])],
)
def test_names_are_split(name: bytes, components: list[bytes]) -> None:
    assert split_name(name) == components


@pytest.mark.parametrize("name", [b"..", b"a/../..", b"/../a"])
def test_names_that_climb_out_are_refused(name: bytes) -> None:
    with pytest.raises(HostileArchiveError):
        split_name(name)
