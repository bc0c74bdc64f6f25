"""Gathering pieces, writing all of them, and copying with and without the kernel's help."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.registry.blobdrivers.filesink import PIECE, Sink, gathered


@pytest.fixture
def target(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_gathering() -> None:
    pieces = [b"a", b"b", bytes(PIECE), b"c"]
    assert list(gathered(pieces)) == [[b"a", b"b", bytes(PIECE)], [b"c"]]
    assert list(gathered([])) == []
    assert [len(some) for some in gathered([b"x"] * 1200)] == [512, 512, 176]


def test_large_files_are_synced_on_the_way(target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.set())
    with Sink(target, sync=True) as sink:
        sink.write([bytes(PIECE)] * 16)
        assert synced.wait(10)
        sink.finish()
    assert sink.size == os.fstat(target).st_size == 16 * PIECE
    assert not [thread for thread in threading.enumerate() if thread.name == "sync"]


def test_a_sync_that_fails_on_the_way_is_not_lost(
    target: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fail(_descriptor: int) -> None:
        failed.set()
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(os, "fdatasync", fail)
    with Sink(target, sync=True) as sink:
        sink.write([bytes(PIECE)] * 20)
        assert failed.wait(10)
        with pytest.raises(OSError, match="gone"):
            sink.finish()


def test_leaving_early_ends_the_thread(target: int) -> None:
    with Sink(target, sync=True) as sink:
        sink.write([bytes(PIECE)] * 17)
    assert not [thread for thread in threading.enumerate() if thread.name == "sync"]


def test_a_short_write_goes_on(target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.writev
    monkeypatch.setattr(os, "writev", lambda to, pieces: whole(to, [b"".join(pieces)[:3]]))
    with Sink(target, sync=False) as sink:
        sink.write([b"ab", b"cdef", b"g"])
        sink.finish()
    assert os.pread(target, 100, 0) == b"abcdefg"
    assert sink.size == 7


@pytest.mark.parametrize("refusal", [0, errno.EXDEV, errno.EOPNOTSUPP])
def test_copying(
    target: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(refusal, os.strerror(refusal))

    if refusal:
        monkeypatch.setattr(os, "copy_file_range", refuse)
    data = os.urandom(3 * PIECE + 7)
    (tmp_path / "source").write_bytes(data)
    with Sink(target, sync=False) as sink, (tmp_path / "source").open("rb", buffering=0) as source:
        sink.write([b"before"])
        sink.copy(source.fileno())
        sink.write([b"after"])
        sink.finish()
    assert os.pread(target, 10 * PIECE, 0) == b"before" + data + b"after"
    assert sink.size == len(data) + 11


def test_copying_that_fails_is_told(target: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "copy_file_range", fail)
    with Sink(target, sync=False) as sink, pytest.raises(OSError, match="full"):
        sink.copy(target)
