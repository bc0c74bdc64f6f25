"""The forms of the log."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from wherry.daemon.logs import JournalFormatter, JsonFormatter, goes_to_journal, set_level


def record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("part", level, "file", 1, text, (), None)


def test_a_line_of_json_has_time_level_and_words() -> None:
    made = record(logging.WARNING, 'it said "no"\nand that was it')
    line = JsonFormatter().format(made)
    assert "\n" not in line
    found = json.loads(line)
    assert datetime.fromisoformat(found.pop("time")).timestamp() == pytest.approx(
        made.created, abs=0.002
    )
    assert found == {"level": "warn", "logger": "part", "msg": 'it said "no"\nand that was it'}


@pytest.mark.parametrize(
    ("level", "word"), [(50, "fatal"), (40, "error"), (30, "warn"), (20, "info"), (10, "debug")]
)
def test_levels_are_dockers(level: int, word: str) -> None:
    assert json.loads(JsonFormatter().format(record(level, "x")))["level"] == word


def test_what_failed_is_in_the_same_line() -> None:
    made = record(logging.ERROR, "x")
    try:
        raise ValueError("because")
    except ValueError:
        made.exc_info = sys.exc_info()
    assert "ValueError: because" in json.loads(JsonFormatter().format(made))["error"]


def test_the_journal_gets_the_weight_of_every_line() -> None:
    formatter = JournalFormatter("%(name)s: %(message)s")
    assert formatter.format(record(logging.INFO, "one\ntwo")) == "<6>part: one\n<6>two"
    weights = [formatter.format(record(level, "x"))[:3] for level in (50, 40, 30, 10)]
    assert weights == ["<2>", "<3>", "<4>", "<7>"]


def test_the_journal_is_known_by_its_inode(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as stream:
        told = os.fstat(stream.fileno())
        names = {"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"}
        assert goes_to_journal(stream, names)
        assert not goes_to_journal(stream, {"JOURNAL_STREAM": f"{told.st_dev}:1"})
        assert not goes_to_journal(stream, {})
    assert not goes_to_journal(stream, names)  # it is closed


@pytest.fixture
def root_level() -> Iterator[None]:
    """Put the level of everything back."""
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


@pytest.mark.usefixtures("root_level")
def test_debug_wins() -> None:
    set_level("error", debug=False)
    assert logging.getLogger().level == logging.ERROR
    set_level("error", debug=True)
    assert logging.getLogger().level == logging.DEBUG
