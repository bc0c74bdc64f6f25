"""Durations, in Go's grammar."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.dockerfile.durations import read_duration
from wherry.build.dockerfile.errors import GrammarError

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1h0m.5s", 3600 * SECOND + SECOND // 2),
        ("1.5h", 5400 * SECOND),
        ("1.s", SECOND),
        ("250ms", SECOND // 4),
        ("1us1µs1μs1ns", 3001),
        ("-1s", -SECOND),
        ("+1s", SECOND),
        ("2562047h", 2562047 * 3600 * SECOND),
    ],
)
def test_read(text: str, wanted: int) -> None:
    assert read_duration(text) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("x", 'time: invalid duration "x"'),
        (".s", 'time: invalid duration ".s"'),
        ("1", 'time: missing unit in duration "1"'),
        ("1s5", 'time: missing unit in duration "1s5"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1 s", 'time: unknown unit " s" in duration "1 s"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
        ("9" * 5000 + "s", 'time: invalid duration "999'),
        ("\u0661s", 'time: invalid duration "\u0661s"'),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read_duration(text)
    assert str(caught.value).startswith(message)


@given(st.text("0123456789.+-hmsnuµx "))
def test_nothing_else_is_raised(text: str) -> None:
    with contextlib.suppress(GrammarError):
        assert abs(read_duration(text)) < 2**63
