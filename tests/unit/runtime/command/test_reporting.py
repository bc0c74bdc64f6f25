"""Errors are told on standard error and in the log."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from wherry.base.errors import WherryError
from wherry.runtime.command.reporting import reported


def fail(error: Exception, log: str = "", form: str = "json", debug: bool = False) -> int:
    parsed = argparse.Namespace(log=log, log_format=form, debug=debug)
    with reported(parsed) as outcome:
        raise error
    return outcome.status


def test_a_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("first", 'second "quoted"'):
        assert fail(WherryError(text), f"{tmp_path}/log") == 1
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["msg"] for line in lines] == ["first", 'second "quoted"']
    assert {line["level"] for line in lines} == {"error"}
    assert lines[0]["time"].endswith("Z")
    assert capsys.readouterr().err.startswith("wherry-runtime: first\n")


def test_a_line_of_text(tmp_path: Path) -> None:
    fail(OSError(2, "gone", "/x"), f"{tmp_path}/log", "text")
    assert 'level=error msg="[Errno 2] gone:' in (tmp_path / "log").read_text()


def test_a_log_that_cannot_be_written_is_no_error() -> None:
    assert fail(WherryError("words"), "/no/such/folder/log") == 1


def test_debugging_shows_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(WherryError("words"), f"{tmp_path}/log", debug=True) == 1
    assert "Traceback" in capsys.readouterr().err
    assert "words" in (tmp_path / "log").read_text()


def test_notes_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    error = WherryError("words")
    error.add_note("and the clean-up failed")
    fail(error)
    assert capsys.readouterr().err == "wherry-runtime: words (and the clean-up failed)\n"


def test_values_of_the_wrong_shape_are_the_configurations_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(KeyError("type"))
    assert "not as the specification says: KeyError('type')" in capsys.readouterr().err
