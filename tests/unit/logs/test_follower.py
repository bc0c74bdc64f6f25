"""Followers see everything once, across rotations, and know when a run is over."""

from __future__ import annotations

from fixtures.recorder import Recorder
from wherry.logs.follower import Chunk, Follower, LineFollower
from wherry.logs.reader import Query
from wherry.logs.record import Kind


def drained(follower: Follower, size: int = 1 << 16) -> str:
    text = ""
    while chunks := follower.read(size):
        text += "".join(chunk.data.decode() for chunk in chunks)
    return text


def test_from_the_end_it_sees_one_run(recorder: Recorder) -> None:
    recorder.say(1, "before\n")
    with Follower(recorder.directory) as follower:
        assert follower.read() == []
        recorder.mark(2, Kind.RUN_START)
        recorder.say(3, "prompt> ")
        assert follower.read() == [Chunk("stdout", b"prompt> ")]
        assert not follower.ended
        recorder.say(4, "oops\n", "stderr")
        recorder.mark(5, Kind.RUN_END)
        recorder.mark(6, Kind.RUN_START)
        recorder.say(7, "another run\n")
        assert follower.read() == [Chunk("stderr", b"oops\n")]
        assert follower.ended
        assert follower.read() == []


def test_from_the_start_it_goes_through_all_runs(recorder: Recorder) -> None:
    for run in range(2):
        recorder.mark(run, Kind.RUN_START)
        recorder.say(run, f"run {run}\n")
        recorder.mark(run, Kind.RUN_END)
    with Follower(recorder.directory, at_end=False) as follower:
        assert drained(follower) == "run 0\nrun 1\n"
        assert follower.ended


def test_it_gives_no_more_than_asked_for(recorder: Recorder) -> None:
    recorder.say(1, "0123456789")
    with Follower(recorder.directory, at_end=False) as follower:
        assert follower.read(4) == [Chunk("stdout", b"0123")]
        assert follower.read(4) == [Chunk("stdout", b"4567")]
        assert not follower.ended
        assert follower.read(4) == [Chunk("stdout", b"89")]


def test_it_survives_rotation(rotating: Recorder) -> None:
    with Follower(rotating.directory) as follower:
        told = ""
        for number in range(9):
            rotating.say(number, f"line number {number} is here\n")
            told += drained(follower)
        assert told == "".join(f"line number {n} is here\n" for n in range(9))


def test_a_reader_that_lags_misses_only_removed_segments(rotating: Recorder) -> None:
    with Follower(rotating.directory) as follower:
        rotating.say(0, "the first, held open\n")
        assert drained(follower) == "the first, held open\n"
        for number in range(9):
            rotating.say(number, f"line number {number} is here\n")
        assert drained(follower) == "line number 8 is here\n"


def test_finish_ends_a_run_whose_end_was_not_written(recorder: Recorder) -> None:
    with Follower(recorder.directory) as follower:
        recorder.say(1, "last words")
        follower.finish()
        assert not follower.ended
        assert drained(follower) == "last words"
        assert follower.ended


def test_lines_come_when_they_are_complete(recorder: Recorder) -> None:
    recorder.say(1, "old\n")
    with LineFollower(recorder.directory, Query(follow=True, tail=0)) as follower:
        assert follower.read() == []
        recorder.say(2, "ne")
        assert follower.read() == []
        recorder.say(3, "w\nlast")
        assert [line.data for line in follower.read()] == [b"new\n"]
        assert not follower.ended
        recorder.mark(4, Kind.RUN_END)
        assert [line.data for line in follower.read()] == [b"last"]
        assert follower.read() == []
        assert follower.ended


def test_until_ends_a_follower(recorder: Recorder) -> None:
    with LineFollower(recorder.directory, Query(follow=True, until_ns=10)) as follower:
        recorder.say(10, "in time\n")
        recorder.say(11, "too late\n")
        assert [line.data for line in follower.read()] == [b"in time\n"]
        assert follower.read() == []
        assert follower.ended


def test_without_follow_it_ends_with_what_is_there(recorder: Recorder) -> None:
    recorder.say(1, "one\nand a half")
    with LineFollower(recorder.directory, Query()) as follower:
        recorder.say(2, "later\n")
        assert [line.data for line in follower.read()] == [b"one\n"]
        assert [line.data for line in follower.read()] == [b"and a half"]
        assert follower.read() == []
        assert follower.ended
