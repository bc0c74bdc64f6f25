"""What the writer leaves on disk: exactly once whatever kills it, and what a full disk does."""

from __future__ import annotations

import errno
import mmap
import os
import random
import select
import signal
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.recorder import Recorder
from wherry.logs.layout import index_path, raw_path, segments
from wherry.logs.reader import Query, lines
from wherry.logs.record import RECORD_SIZE, Kind, decode
from wherry.logs.writer import LogOptions, LogWriter

KILLS = 300


def records(recorder: Recorder, segment: int = 0) -> list[Any]:
    return decode(Path(index_path(recorder.directory, segment)).read_bytes())


def test_pump_tells_moved_bytes_emptiness_and_the_end(recorder: Recorder) -> None:
    source, sink = os.pipe()
    os.set_blocking(source, False)
    assert recorder.writer.pump(0, source) is None
    os.write(sink, b"seven!\n")
    assert recorder.writer.pump(0, source) == 7
    os.close(sink)
    assert recorder.writer.pump(0, source) == 0
    os.close(source)


def test_records_tell_time_ends_and_open_lines(recorder: Recorder) -> None:
    recorder.mark(1, Kind.RUN_START)
    recorder.say(2, "half")
    recorder.say(3, "err\n", "stderr")
    recorder.mark(4, Kind.RUN_END)
    told = [(r.time_ns, r.kind, r.ends, r.open_lines) for r in records(recorder)]
    assert told == [
        (1, Kind.RUN_START, (0, 0), (False, False)),
        (2, Kind.OUTPUT, (4, 0), (True, False)),
        (3, Kind.OUTPUT, (4, 4), (True, False)),
        (4, Kind.RUN_END, (4, 4), (False, False)),
    ]


def test_time_never_goes_back(recorder: Recorder) -> None:
    recorder.say(20, "a\n")
    recorder.say(10, "b\n")
    assert [record.time_ns for record in records(recorder)] == [20, 20]


def test_closing_and_opening_again_goes_on(recorder: Recorder) -> None:
    recorder.say(1, "one\ntw")
    recorder.writer.close()
    assert not recorder.writer.is_open
    recorder.say(2, "o\n")
    found = [line.data for line in lines(recorder.directory, Query())]
    assert found == [b"one\n", b"two\n"]


def test_bytes_without_a_record_get_one_with_their_time(recorder: Recorder) -> None:
    recorder.say(1, "one\n")
    recorder.writer.close()
    raw = raw_path(recorder.directory, 0, "stdout")
    with open(raw, "ab") as file:
        file.write(b"unattributed")
    os.utime(raw, ns=(77, 77))
    recorder.mark(99, Kind.RUN_END)
    told = [(r.time_ns, r.kind, r.ends, r.open_lines[0]) for r in records(recorder)]
    assert told[1:] == [
        (77, Kind.OUTPUT, (16, 0), True),
        (99, Kind.RUN_END, (16, 0), False),
    ]


@pytest.mark.parametrize("torn", [b"\0" * RECORD_SIZE * 2, b"\1" * 7])
def test_a_torn_index_is_cut_where_it_makes_no_sense(recorder: Recorder, torn: bytes) -> None:
    recorder.say(1, "one\n")
    recorder.writer.close()
    with open(index_path(recorder.directory, 0), "ab") as file:
        file.write(torn)
    recorder.say(2, "two\n")
    assert [record.ends[0] for record in records(recorder)] == [4, 8]


def test_records_of_lost_bytes_are_cut(recorder: Recorder) -> None:
    recorder.say(1, "one\n")
    recorder.say(2, "two\n")
    recorder.writer.close()
    os.truncate(raw_path(recorder.directory, 0, "stdout"), 6)
    recorder.say(3, "three\n")
    assert [record.ends[0] for record in records(recorder)] == [4, 6, 12]


def test_rotation_keeps_as_many_segments_as_asked(rotating: Recorder) -> None:
    for number in range(5):
        rotating.say(number, "twenty bytes, exact\n")
    assert segments(rotating.directory) == [4, 5]
    assert not os.path.exists(raw_path(rotating.directory, 3, "stdout"))


def test_an_interrupted_rotation_is_completed(rotating: Recorder) -> None:
    rotating.say(1, "short")
    rotating.writer.close()
    Path(index_path(rotating.directory, 1)).touch()
    rotating.say(2, " line\n")
    assert [line.data for line in lines(rotating.directory, Query())] == [b"short line\n"]


def test_a_full_disk_drops_output_and_tells_how_much(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.say(1, "kept\n")
    real, full = os.splice, True
    null = recorder.writer._null

    def splice(source: int, sink: int, *args: Any, **options: Any) -> int:
        if full and sink != null:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, sink, *args, **options)

    monkeypatch.setattr(os, "splice", splice)
    assert recorder.say(2, "lost\n") == 5
    full = False
    recorder.say(3, "again\n")
    assert [line.data for line in lines(recorder.directory, Query())] == [b"kept\n", b"again\n"]
    told = [(record.kind, record.amount) for record in records(recorder)]
    assert told == [(Kind.OUTPUT, 0), (Kind.DROPPED, 5), (Kind.OUTPUT, 0)]


def test_a_directory_that_is_gone_blocks_nobody(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "missing")
    assert recorder.say(1, "into the void\n") == 14
    assert recorder.mark(2, Kind.RUN_END) is False
    recorder.close()


def numbered(sink: int, name: bytes, shared: mmap.mmap, slot: int) -> None:
    """Write numbered lines until the first byte of `shared` is set; leave their count there."""
    count = 0
    while not shared[0]:
        os.write(sink, b"%s %d\n" % (name, count))
        count += 1
    struct.pack_into("<Q", shared, slot, count)


def pump_until_killed(directory: str, sources: list[int], options: LogOptions) -> None:
    null = os.open("/dev/null", os.O_WRONLY)
    writer = LogWriter(directory, null, options)
    open_streams = {0, 1}
    while open_streams:
        select.select([sources[stream] for stream in open_streams], [], [])
        for stream in list(open_streams):
            if writer.pump(stream, sources[stream]) == 0:
                open_streams.remove(stream)


def forked(function: Any, *args: Any) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            function(*args)
        finally:
            os._exit(0)
    return pid


@pytest.mark.parametrize(
    "options", [LogOptions(), LogOptions(max_size=3000, max_file=10**6)], ids=["one", "rotating"]
)
def test_killed_at_any_moment_it_loses_nothing_and_doubles_nothing(
    tmp_path: Path, options: LogOptions
) -> None:
    chance = random.Random(7)
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    pipes = [os.pipe(), os.pipe()]
    for source, _ in pipes:
        os.set_blocking(source, False)
    sources = [source for source, _ in pipes]
    writers = [
        forked(numbered, sink, name, shared, 8 + 8 * n)
        for n, ((_, sink), name) in enumerate(zip(pipes, (b"o", b"e"), strict=True))
    ]
    for _, sink in pipes:
        os.close(sink)
    for _ in range(KILLS):
        pump = forked(pump_until_killed, str(tmp_path), sources, options)
        time.sleep(chance.uniform(0, 0.004))  # the moment is the point of this test
        os.kill(pump, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(pump, 0)[1])
    shared[0] = 1
    os.waitpid(forked(pump_until_killed, str(tmp_path), sources, options), 0)
    for pid in writers:
        assert os.waitpid(pid, 0)[1] == 0
    for stream, (name, count) in enumerate(
        zip((b"o", b"e"), struct.unpack_from("<QQ", shared, 8), strict=True)
    ):
        wanted = Query(stdout=stream == 0, stderr=stream == 1)
        found = b"".join(line.data for line in lines(str(tmp_path), wanted))
        assert count > KILLS
        assert found == b"".join(b"%s %d\n" % (name, n) for n in range(count))
        os.close(sources[stream])
