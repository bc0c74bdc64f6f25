"""What comes on standard input: an archive or a Dockerfile."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile

import pytest

from wherry.client.context.stdin import is_archive, passed_on, read_head


def tar(form: int) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return sink.getvalue()


PLAIN = tar(tarfile.PAX_FORMAT)
OLD = PLAIN[:257] + bytes(8) + PLAIN[265:]


def without_magic() -> bytes:
    head = bytearray(OLD[:512])
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PLAIN, True),
        (tar(tarfile.GNU_FORMAT), True),
        (gzip.compress(PLAIN, mtime=0), True),
        (bz2.compress(PLAIN), True),
        (lzma.compress(PLAIN), True),
        (without_magic(), True),
        (bytes(1024), True),
        (b"FROM scratch\n", False),
        (b"FROM scratch\n" + b"# long\n" * 100, False),
        (b"", False),
        (b"\n" * 512, False),
    ],
)
def test_archives_are_recognised(data: bytes, expected: bool) -> None:
    assert is_archive(data[:512]) is expected


def test_the_head_is_passed_on_as_well() -> None:
    file = io.BytesIO(PLAIN)
    head = read_head(file)
    assert len(head) == 512
    assert b"".join(passed_on(head, file)) == PLAIN
    assert read_head(io.BytesIO(b"FROM x")) == b"FROM x"
