"""Words that all displays share."""

from __future__ import annotations

import pytest

from fixtures.build_events import began, ended, planned, wrote
from wherry.cli.build.display import words
from wherry.cli.build.display.board import Board


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (59.94, "59.9s"),
        (65, "1m05s"),
        (3600, "1h00m"),
        (7290, "2h01m"),
    ],
)
def test_durations(count: float, text: str) -> None:
    assert words.seconds(count) == text


def test_totals() -> None:
    board = Board()
    assert words.totals(board, 1.0) == "[+] 1.0s"
    board.take(planned("FROM a", "RUN b", "RUN c"), 0.0)
    assert words.totals(board, 1.0) == "[+] 0/3 steps, 1.0s"
    board.take(ended(0, cached=True), 0.0)
    board.take(ended(1), 0.0)
    assert words.totals(board, 12.34) == "[+] 2/3 steps, 1 cached, 12.3s"


def test_reasons() -> None:
    board = Board()
    board.take(planned("RUN a", "RUN b", "RUN c"), 0.0)
    board.take(ended(0, cached=True, why="nothing has changed"), 0.0)
    changed = ["+ new", "- old", "~ a b"] + [f"~ {n}" for n in range(20)] + ["odd"]
    board.take(ended(1, why="24 files changed", changed=changed), 0.0)
    board.take(ended(2), 0.0)
    assert list(words.reasons(board.order[0])) == ["cached: nothing has changed"]
    lines = list(words.reasons(board.order[1]))
    assert lines[:4] == [
        "not cached: 24 files changed", "  new (new)", "  old (gone)", "  a b (changed)",
    ]  # fmt: skip
    assert lines[-1] == "  and 14 more"
    assert len(lines) == words.MOST_FILES + 2
    assert list(words.reasons(board.order[2])) == []


def test_results() -> None:
    assert list(words.result(None)) == []
    assert list(words.result({"image": "", "names": []})) == []
    told = {"image": "sha256:1", "names": ["a:1", "b:2"]}
    assert list(words.result(told)) == ["image sha256:1", "named a:1", "named b:2"]


def test_warnings() -> None:
    one = {"rule": "FromAsCasing", "message": "casing", "first": 3}
    assert list(words.warnings([])) == []
    assert list(words.warnings([one])) == [
        "", " 1 warning found (use --check to expand):", " - FromAsCasing: casing (line 3)",
    ]  # fmt: skip
    assert list(words.warnings([one, one]))[1].startswith(" 2 warnings found")


def test_the_last_lines_of_a_failure() -> None:
    board = Board()
    board.take(planned("RUN make"), 0.0)
    board.take(began(0), 0.0)
    board.take(wrote(0, b"".join(b"\x1b[1mline %d\n" % n for n in range(40))), 1.5)
    lines = list(words.last_lines(board.order[0]))
    assert lines[:2] == ["------", " > [1/1] RUN make:"]
    assert lines[2] == "1.500 line 20"
    assert lines[-2:] == ["1.500 line 39", "------"]
