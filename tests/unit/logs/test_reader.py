"""Which lines a query gives, with which times, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.recorder import Recorder
from wherry.logs import reader
from wherry.logs.lines import LineAssembler
from wherry.logs.reader import Query, lines
from wherry.logs.record import Kind


def texts(recorder: Recorder, **query: Any) -> list[str]:
    return [line.data.decode() for line in lines(recorder.directory, Query(**query))]


def test_nothing_written_gives_nothing(recorder: Recorder) -> None:
    assert texts(recorder) == []
    assert texts(recorder, tail=5) == []


def test_a_line_has_the_time_at_which_it_began(recorder: Recorder) -> None:
    recorder.say(10, "one\ntw")
    recorder.say(20, "o\nthr")
    found = list(lines(recorder.directory, Query()))
    assert [(line.time_ns, line.data) for line in found] == [
        (10, b"one\n"),
        (10, b"two\n"),
        (20, b"thr"),
    ]


def test_streams_interleave_and_can_be_chosen(recorder: Recorder) -> None:
    recorder.say(1, "a\n")
    recorder.say(2, "b\n", "stderr")
    recorder.say(3, "c\n")
    assert texts(recorder) == ["a\n", "b\n", "c\n"]
    assert texts(recorder, stderr=False) == ["a\n", "c\n"]
    assert texts(recorder, stdout=False) == ["b\n"]
    assert texts(recorder, stdout=False, tail=3) == ["b\n"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"since_ns": 20}, ["two\n", "three\n"]),
        ({"since_ns": 21}, ["three\n"]),
        ({"since_ns": 31}, []),
        ({"until_ns": 20}, ["one\n", "two\n"]),
        ({"until_ns": 9}, []),
        ({"since_ns": 15, "until_ns": 25}, ["two\n"]),
        ({"tail": 0}, []),
        ({"tail": 2}, ["two\n", "three\n"]),
        ({"tail": 9}, ["one\n", "two\n", "three\n"]),
        ({"tail": 1, "until_ns": 29}, ["two\n"]),
        ({"tail": 5, "since_ns": 20}, ["two\n", "three\n"]),
    ],
)
def test_since_until_and_tail(
    recorder: Recorder, query: dict[str, int], expected: list[str]
) -> None:
    for at, text in ((10, "one\n"), (20, "two\n"), (30, "three\n")):
        recorder.say(at, text)
    assert texts(recorder, **query) == expected


def test_since_passes_over_the_rest_of_an_earlier_line(recorder: Recorder) -> None:
    recorder.say(10, "ear")
    recorder.say(20, "ly\nlate\n")
    assert texts(recorder, since_ns=15) == ["late\n"]


def test_until_completes_a_line_that_began_in_time(recorder: Recorder) -> None:
    recorder.say(10, "beg")
    recorder.say(20, "un\nlater\n")
    assert texts(recorder, until_ns=15) == ["begun\n"]


def test_tail_counts_a_line_without_newline(recorder: Recorder) -> None:
    recorder.say(10, "one\ntwo\nprompt> ")
    assert texts(recorder, tail=1) == ["prompt> "]
    assert texts(recorder, tail=2) == ["two\n", "prompt> "]


def test_runs_do_not_join_their_lines(recorder: Recorder) -> None:
    recorder.mark(1, Kind.RUN_START)
    recorder.say(2, "cut")
    recorder.mark(3, Kind.RUN_END)
    recorder.mark(4, Kind.RUN_START)
    recorder.say(5, "next\n")
    assert texts(recorder) == ["cut", "next\n"]
    assert texts(recorder, tail=1) == ["next\n"]
    assert texts(recorder, tail=2) == ["cut", "next\n"]


def test_lines_go_on_over_a_rotation(rotating: Recorder) -> None:
    rotating.say(1, "a line of twenty-five bytes")
    rotating.say(2, " and more\nlast\n")
    assert texts(rotating) == ["a line of twenty-five bytes and more\n", "last\n"]
    assert texts(rotating, tail=1) == ["last\n"]
    assert texts(rotating, since_ns=2) == ["last\n"]


def test_removed_segments_are_simply_missing(rotating: Recorder) -> None:
    for number in range(10):
        rotating.say(number, f"line number {number:2} here\n")
    assert texts(rotating) == ["line number  9 here\n"]
    assert texts(rotating, tail=7) == ["line number  9 here\n"]


def test_a_very_long_line_comes_in_parts() -> None:
    assembler = LineAssembler()
    half = b"x" * (1 << 19)
    assert assembler.feed(0, 1, half, continues=False) == []
    (part,) = assembler.feed(0, 2, half, continues=True)
    (rest,) = assembler.feed(0, 3, b"y\n", continues=True)
    assert (part.data, rest.data, rest.time_ns) == (half * 2, b"y\n", 1)


def test_a_snapshot_ends_although_the_writer_goes_on(recorder: Recorder) -> None:
    recorder.say(1, "one\n")
    going = lines(recorder.directory, Query())
    assert next(going).data == b"one\n"
    recorder.say(2, "two\n")
    assert list(going) == []


WRITES = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab\n", min_size=1, max_size=9)),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(writes=WRITES, tail=st.integers(0, 12), since=st.integers(0, 30))
def test_tail_and_since_are_what_a_full_read_says(
    tmp_path_factory: Any, writes: list[tuple[str, str]], tail: int, since: int
) -> None:
    recorder = Recorder(tmp_path_factory.mktemp("log"))
    for at, (stream, text) in enumerate(writes):
        recorder.say(at, text, stream)
    for stream in ("stdout", "stderr"):
        wanted = {"stdout": stream == "stdout", "stderr": stream == "stderr"}
        every = list(lines(recorder.directory, Query(**wanted)))
        whole = "".join(text for name, text in writes if name == stream)
        assert b"".join(line.data for line in every) == whole.encode()
        last = list(lines(recorder.directory, Query(**wanted, tail=tail)))
        assert last == (every[-tail:] if tail else [])
        late = list(lines(recorder.directory, Query(**wanted, since_ns=since)))
        assert late == [line for line in every if line.time_ns >= since]
    recorder.close()


def test_reading_is_bounded(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MOST_RECORDS", 2)
    for at in range(5):
        recorder.say(at, f"{at}\n")
    going = reader.LineReader(recorder.directory, Query())
    sizes = []
    while (batch := going.read()) is not None:
        sizes.append(len(batch))
    going.close()
    assert sizes == [2, 2, 1]
