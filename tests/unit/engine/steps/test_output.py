"""Output is handed on in order, and its disk space given back behind the reader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.engine.steps.output import Consumed, follow
from wherry.logs.follower import Follower
from wherry.logs.layout import raw_path
from wherry.logs.record import Kind
from wherry.logs.watch import LogWatch
from wherry.logs.writer import LogWriter

CHUNK = 1 << 20


@pytest.fixture
def writer(tmp_path: Path) -> LogWriter:
    return LogWriter(str(tmp_path), os.open("/dev/null", os.O_WRONLY))


def write(writer: LogWriter, stream: int, data: bytes) -> None:
    ours, theirs = os.pipe()
    try:
        while data:
            data = data[os.write(theirs, data[:4096]) :]
            assert writer.pump(stream, ours)
    finally:
        os.close(ours)
        os.close(theirs)


async def test_both_streams_come_to_the_end_of_the_run(tmp_path: Path, writer: LogWriter) -> None:
    watch = LogWatch()
    follower = Follower(str(tmp_path))
    writer.mark(Kind.RUN_START)
    write(writer, 0, b"one\n")
    write(writer, 1, b"two\n")
    write(writer, 0, b"three")
    writer.mark(Kind.RUN_END)
    got: list[tuple[str, bytes]] = []

    async def output(stream: str, data: bytes) -> None:
        got.append((stream, data))

    await follow(watch, str(tmp_path), follower, output)
    assert got == [("stdout", b"one\n"), ("stderr", b"two\n"), ("stdout", b"three")]
    watch.close()


def test_space_is_given_back_behind_the_reader(tmp_path: Path) -> None:
    path = Path(raw_path(str(tmp_path), 0, "stdout"))
    path.write_bytes(b"x" * (40 * CHUNK))
    os.sync()
    with Consumed(str(tmp_path)) as consumed:
        due = [consumed.add("stdout", CHUNK) for _ in range(15)]
        assert due == [False] * 15
        assert consumed.add("stdout", CHUNK)
        consumed.release("stdout")
        assert not consumed.add("stdout", CHUNK)
    told = path.stat()
    assert told.st_size == 40 * CHUNK
    data = path.read_bytes()
    kept = 16 * CHUNK - 4096
    assert data[kept:] == b"x" * (40 * CHUNK - kept)
    if told.st_blocks * 512 < 40 * CHUNK:  # a file system that can
        assert data[:kept] == bytes(kept)
