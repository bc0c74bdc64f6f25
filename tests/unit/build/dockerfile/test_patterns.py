"""Patterns of expansions, beside a slow twin."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.dockerfile.errors import GrammarError
from wherry.build.dockerfile.patterns import read_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "shortest", "longest"),
    [
        ("a", "abc", "bc", "bc"),
        ("*", "abc", "abc", ""),
        ("?", "abc", "bc", "bc"),
        ("*b", "abab", "ab", ""),
        ("*b*", "abab", "ab", ""),
        ("a*b*c", "abcbcd", "bcd", "d"),
        ("", "abc", "abc", "abc"),
        ("x", "abc", "abc", "abc"),
        (r"\*", "*a", "a", "a"),
        (r"\?", "?a", "a", "a"),
        (r"\\", "\\a", "a", "a"),
        (r"\}\/", "}/a", "a", "a"),
        ("[a]", "[a]b", "b", "b"),
        (".+(|)^$", ".+(|)^$x", "x", "x"),
        ("a?c", "a\ncd", "d", "d"),
        ("*c", "a\ncd", "d", "d"),
    ],
)
def test_prefix(pattern: str, text: str, shortest: str, longest: str) -> None:
    found = read_pattern(pattern)
    assert found.without_prefix(text, longest=False) == shortest
    assert found.without_prefix(text, longest=True) == longest


@pytest.mark.parametrize(
    ("pattern", "text", "shortest", "longest"),
    [
        ("c", "abc", "ab", "ab"),
        ("*", "abc", "abc", ""),
        ("b*", "abab", "aba", "a"),
        (".*", "a.b.c", "a.b", "a"),
        (r"\**", "a**", "a*", "a"),
        (r"a\?", "xa?", "x", "x"),
    ],
)
def test_suffix(pattern: str, text: str, shortest: str, longest: str) -> None:
    found = read_pattern(pattern)
    assert found.without_suffix(text, longest=False) == shortest
    assert found.without_suffix(text, longest=True) == longest


@pytest.mark.parametrize(
    ("pattern", "text", "first", "every"),
    [
        ("a", "banana", "b_nana", "b_n_n_"),
        ("a*a", "banana", "b_", "b_"),
        ("a?", "banana", "b_ana", "b__a"),
        ("*", "abc", "_", "_"),
        ("", "ab", "_ab", "_a_b_"),
        ("x", "ab", "ab", "ab"),
        ("*", "", "_", "_"),
        ("b*", "abc", "a_", "a_"),
    ],
)
def test_replaced(pattern: str, text: str, first: str, every: str) -> None:
    found = read_pattern(pattern)
    assert found.replaced(text, "_", everywhere=False) == first
    assert found.replaced(text, "_", everywhere=True) == every


def test_what_is_put_in_is_plain_text() -> None:
    assert read_pattern("a").replaced("a", r"\1$1", everywhere=True) == r"\1$1"


@pytest.mark.parametrize("pattern", ["\\", r"\x", r"a\\\ "])
def test_refused(pattern: str) -> None:
    with pytest.raises(GrammarError, match="invalid escape"):
        read_pattern(pattern)


def test_many_stars_take_no_longer() -> None:
    pattern = read_pattern("*a" * 500 + "b")
    assert pattern.without_prefix("a" * 50_000, longest=True) == "a" * 50_000
    assert pattern.replaced("a" * 50_000, "", everywhere=True) == "a" * 50_000


TEXTS = st.text("ab.\n", max_size=10)


def slow(pattern: str, *, lazy: bool) -> re.Pattern[str]:
    star = "(?s:.*?)" if lazy else "(?s:.*)"
    parts = {"*": star, "?": "(?s:.)"}
    return re.compile("".join(parts.get(one, re.escape(one)) for one in pattern))


@given(st.text("ab.*?", max_size=6), TEXTS)
def test_as_a_regular_expression_would(pattern: str, text: str) -> None:
    found = read_pattern(pattern)
    for longest in (False, True):
        match = slow(pattern, lazy=not longest).match(text)
        assert found.without_prefix(text, longest=longest) == text[match.end() if match else 0 :]
        ends = [n for n in range(len(text) + 1) if slow(pattern, lazy=True).fullmatch(text[n:])]
        end = (min(ends) if longest else max(ends)) if ends else len(text)
        assert found.without_suffix(text, longest=longest) == text[:end]
    first = slow(pattern, lazy=False).sub(lambda _: "_", text, count=1)
    assert found.replaced(text, "_", everywhere=False) == first
