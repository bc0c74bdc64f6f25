"""The table of checks, and the page that is made of it."""

from __future__ import annotations

import re
from pathlib import Path

from wherry.doctor import report
from wherry.doctor.table import CHECKS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "doctor.md"


def test_names_are_words_and_stand_once() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_groups_stay_together() -> None:
    groups = [check.group for check in CHECKS]
    runs = [group for at, group in enumerate(groups) if at == 0 or groups[at - 1] != group]
    assert len(runs) == len(set(runs))


def test_functions_stand_once_and_say_what_is_right() -> None:
    functions = [check.run for check in CHECKS]
    assert len(functions) == len(set(functions))
    assert all(function.__doc__ for function in functions)


def test_the_page_has_every_check() -> None:
    assert PAGE.read_text().endswith(report.listing(CHECKS) + "\n")
