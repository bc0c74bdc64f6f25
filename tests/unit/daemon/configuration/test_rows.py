"""The reference: a row for each setting and each flag, with words in it; and what --help shows."""

from __future__ import annotations

import json

from wherry.daemon.configuration import reference
from wherry.daemon.configuration.help import help_text
from wherry.daemon.configuration.table import PROGRAM, TABLE


def test_there_is_a_row_for_each() -> None:
    rows = reference()
    assert [row.key for row in rows if row.key] == [one.key for one in TABLE]
    assert [row.flags for row in rows if not row.key] == [one.flags for one in PROGRAM]
    for row in rows:
        assert row.help
        assert row.section
        assert row.key == "" or row.form
        for words in filter(None, (row.default, row.example)):
            assert json.loads(words) is not None


def test_no_flag_and_no_key_is_there_twice() -> None:
    rows = reference()
    keys = [row.key for row in rows if row.key]
    flags = [flag for row in rows for flag in row.flags]
    assert len(set(keys)) == len(keys)
    assert len(set(flags)) == len(flags)


def test_each_that_acts_has_an_example_that_is_not_its_default() -> None:
    for one in TABLE:
        if one.acts and not one.form.switch:
            assert one.example not in (None, one.default), one.key


def test_help_names_every_flag_and_fits_a_terminal() -> None:
    text = help_text()
    words = text.replace(",", " ").split()
    for row in reference():
        if row.flags:
            assert row.flags[-1] in words
    assert max(map(len, text.splitlines())) <= 88
    assert "examples:" in text
