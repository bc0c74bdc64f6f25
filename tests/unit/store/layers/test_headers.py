"""Headers against the readers that have to understand them."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.store.layers import tar
from wherry.store.layers.headers import (
    CHARACTER,
    DIRECTORY,
    END,
    FIFO,
    HARD_LINK,
    REGULAR,
    SYMLINK,
    Header,
    encode,
    padding,
)
from wherry.store.layers.tar import TarReader

NAMES = st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name)
KINDS = st.sampled_from([REGULAR, DIRECTORY, SYMLINK, HARD_LINK, FIFO, CHARACTER])
KEYS = st.sampled_from([b"user.a", b"security.capability", b"trusted.x"])
HEADERS = st.builds(
    Header,
    name=NAMES,
    kind=KINDS,
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    gid=st.integers(0, 2**32 - 2),
    size=st.just(0),
    mtime_ns=st.integers(-(2**62), 2**62),
    target=NAMES,
    major=st.just(0),
    minor=st.just(0),
    xattrs=st.dictionaries(KEYS, st.binary(max_size=300)),
)


def first(data: bytes) -> tarfile.TarInfo:
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as archive:
        found = archive.next()
        assert found is not None
        return found


@given(HEADERS)
def test_our_reader_finds_what_was_written(header: Header) -> None:
    (found,) = TarReader(io.BytesIO(encode(header) + END))
    assert (found.name, found.kind, found.mode) == (header.name, header.kind[0], header.mode)
    assert (found.uid, found.gid, found.link) == (header.uid, header.gid, header.target)
    assert (found.mtime_ns, found.xattrs) == (header.mtime_ns, header.xattrs)


@given(HEADERS)
def test_tarfile_finds_what_was_written(header: Header) -> None:
    found = first(encode(header) + END)
    name = header.name.rstrip(b"/") if header.kind == DIRECTORY else header.name
    # tarfile has no slash at the end of any name that comes in a PAX record.
    assert found.name.encode("utf-8", "surrogateescape").rstrip(b"/") == name.rstrip(b"/")
    assert (found.type, found.mode) == (header.kind, header.mode)
    assert (found.uid, found.gid) == (header.uid, header.gid)


@pytest.mark.parametrize(
    ("header", "pax"),
    [
        (Header(b"a" * 100), {}),
        (Header(b"a" * 101), {"path": "a" * 101}),
        (Header("ä".encode()), {"path": "ä"}),
        (Header(b"l", SYMLINK, target=b"t" * 101), {"linkpath": "t" * 101}),
        (Header(b"a", mtime_ns=1_500_000_000), {"mtime": "1.5"}),
        (Header(b"a", mtime_ns=-500_000_000), {"mtime": "-0.5"}),
        (Header(b"a", mtime_ns=-2_000_000_000), {"mtime": "-2"}),
        (Header(b"a", uid=0o7777777, gid=0o10000000), {"gid": "2097152"}),
        (Header(b"a", size=8 << 30), {"size": str(8 << 30)}),
    ],
)
def test_what_ustar_cannot_say_is_said_before(header: Header, pax: dict[str, str]) -> None:
    data = encode(header)
    found = first(data + END)
    assert found.pax_headers == pax
    assert (len(data) == tar.BLOCK) is (pax == {})


def test_names_that_are_no_text_are_marked_once() -> None:
    data = encode(Header(b"\xff", SYMLINK, target=b"\xfe"))
    assert data.count(b"hdrcharset=BINARY") == 1
    assert b"21 hdrcharset=BINARY\n9 path=\xff\n" in data
    assert b"hdrcharset" not in encode(Header(b"a", xattrs={b"user.a": b"\xff"}))


def test_large_files_and_devices() -> None:
    (found,) = TarReader(io.BytesIO(encode(Header(b"d", CHARACTER, major=5, minor=70_000)) + END))
    assert (found.major, found.minor) == (5, 70_000)
    reader = TarReader(io.BytesIO(encode(Header(b"f", size=9 << 30))))
    assert next(iter(reader)).size == 9 << 30


@pytest.mark.parametrize(("size", "rest"), [(0, 0), (1, 511), (512, 0), (513, 511)])
def test_content_is_padded_to_blocks(size: int, rest: int) -> None:
    assert padding(size) == bytes(rest)


@given(st.integers(80, 1100))
def test_the_length_of_a_record_counts_itself(size: int) -> None:
    """Where one digit more makes the record longer by another one."""
    (found,) = TarReader(
        io.BytesIO(encode(Header(b"a" * 101, xattrs={b"user.a": b"x" * size})) + END)
    )
    assert found.xattrs == {b"user.a": b"x" * size}
