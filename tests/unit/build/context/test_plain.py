"""What is an archive, and its plain bytes."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import random

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from fixtures.archives import file, tarred
from wherry.base.errors import WherryError
from wherry.build.context.plain import holds_archive, is_archive, plain
from wherry.store.errors import CorruptContentError
from wherry.store.layers.compression import Readable

DATA = tarred(file("a", random.Random(1).randbytes(700_000)), file("b", b"b"))
FORMS = {
    "tar": DATA,
    "gzip": gzip.compress(DATA, 1, mtime=0),
    "bzip2": bz2.compress(DATA, 1),
    "xz": lzma.compress(DATA, preset=0),
    "zstd": zstd.compress(DATA),
}


class Dribble:
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        self._source = io.BytesIO(data)
        self._most = most

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(self._most if size < 0 else min(size, self._most))


def read_all(source: Readable, size: int) -> bytes:
    return b"".join(iter(lambda: source.read(size), b""))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("most", [1 << 30, 4097, 100])
def test_every_form_gives_the_same(form: str, most: int) -> None:
    if most > 100 or form != "tar":
        assert read_all(plain(Dribble(FORMS[form], most)), 65_000) == DATA


@pytest.mark.parametrize("form", FORMS)
def test_all_at_once(form: str) -> None:
    assert plain(io.BytesIO(FORMS[form])).read(-1) == DATA


@pytest.mark.parametrize("form", FORMS)
def test_forms_are_known_by_their_beginning(form: str) -> None:
    assert is_archive(FORMS[form][:512])
    assert holds_archive(io.BytesIO(FORMS[form]))


@pytest.mark.parametrize("text", [b"", b"FROM busybox\n", b"FROM busybox\n" * 100, bytes(1024)])
def test_what_is_none(text: bytes) -> None:
    assert not is_archive(text[:512])
    assert not holds_archive(io.BytesIO(text))
    assert read_all(plain(io.BytesIO(text)), 100) == text


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_compressed_text_holds_no_archive(pack: object) -> None:
    assert not holds_archive(io.BytesIO(pack(b"text" * 500)))  # type: ignore[operator]


def test_an_old_archive_without_a_magic_word() -> None:
    block = bytearray(DATA[512:1024])
    block[257:265] = bytes(8)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert is_archive(bytes(block))


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zstd"])
def test_cut_short(form: str) -> None:
    with pytest.raises(CorruptContentError):
        read_all(plain(io.BytesIO(FORMS[form][:-20])), 1 << 16)


@pytest.mark.parametrize("form", ["bzip2", "xz"])
def test_damaged(form: str) -> None:
    data = bytearray(FORMS[form])
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(CorruptContentError):
        read_all(plain(io.BytesIO(bytes(data))), 1 << 16)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
@pytest.mark.parametrize("between", [b"", bytes(4)])
@pytest.mark.parametrize("after", [b"", bytes(8), b"something else"])
def test_streams_one_after_the_other(pack: object, between: bytes, after: bytes) -> None:
    data = pack(b"one" * 300) + between + pack(b"two") + after  # type: ignore[operator]
    assert read_all(plain(io.BytesIO(data)), 100) == b"one" * 300 + b"two"
    assert read_all(plain(Dribble(data, 1)), 100) == b"one" * 300 + b"two"


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_no_more_than_asked_for_at_once(pack: object) -> None:
    stream = plain(io.BytesIO(pack(bytes(20_000_000))))  # type: ignore[operator]
    assert 0 < len(stream.read(1000)) <= 1000


@given(st.sampled_from([b"BZh9", b"\xfd7zXZ\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]), st.binary())
def test_noise_is_an_error_of_ours(magic: bytes, noise: bytes) -> None:
    with contextlib.suppress(WherryError):
        read_all(plain(io.BytesIO(magic + noise)), 4096)
