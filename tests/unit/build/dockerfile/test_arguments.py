"""The forms of arguments."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.dockerfile.arguments import (
    read_command,
    read_json,
    read_pairs,
    read_quoted,
    read_words,
)
from wherry.build.dockerfile.errors import GrammarError
from wherry.build.dockerfile.instructions import Command


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[]", ()),
        (' \t["a",  "b c"] ', ("a", "b c")),
        (r'["\u00e9\n\"", "\ud83d\ude00"]', ('é\n"', "😀")),
        (r'["\ud800"]', ("\ufffd",)),
        ("", None),
        ("a", None),
        ('"a"', None),
        ('{"a": "b"}', None),
        ('["a", "b"', None),
        ('["a",]', None),
        ("['a']", None),
        ('["a"] b', None),
        ('["a\tb"]', None),
        ("[ -f x ] && y", None),
        ("[NaN]", None),
    ],
)
def test_json(text: str, wanted: tuple[str, ...] | None) -> None:
    assert read_json(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        '["a", 1.5]',
        "[null]",
        "[[]]",
        '[{"a": 1}]',
        "[true]",
        f"[{'9' * 9999}]",
        "[" * 99_999,
    ],
)
def test_json_that_is_no_list_of_strings(text: str) -> None:
    with pytest.raises(GrammarError, match="when using JSON array syntax"):
        read_json(text)


def test_json_with_a_nul_character() -> None:
    with pytest.raises(GrammarError, match="NUL"):
        read_json(r'["a\u0000"]')


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_json_of_others(words: list[str]) -> None:
    for ascii_only in (False, True):
        assert read_json(json.dumps(words, ensure_ascii=ascii_only)) == tuple(words)


def test_commands() -> None:
    assert read_command("a b") == Command(("a b",), True)
    assert read_command('["a"]') == Command(("a",), False)
    assert read_command("") == Command((), True)
    assert read_words('a "b c"') == ("a", '"b', 'c"')
    assert read_words('["b c"]') == ("b c",)
    assert read_words("") == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("a  b\tc", ["a", "b", "c"]),
        ("a=' b c' d", ["a=' b c'", "d"]),
        ('a="b \\" c" d', ['a="b \\" c"', "d"]),
        ("a='b\\' c", ["a='b\\'", "c"]),
        ("a\\ b c", ["a\\ b", "c"]),
        ("\\'a b", ["\\'a", "b"]),
        ('""', ['""']),
        ("a\\", ["a"]),
        ("'a b", ["'a b"]),
        ("föö bär", ["föö", "bär"]),
    ],
)
def test_quoted(text: str, wanted: list[str]) -> None:
    assert read_quoted(text, "\\") == wanted


@pytest.mark.parametrize(
    ("text", "pairs", "legacy"),
    [
        ("a=b", (("a", "b"),), False),
        ("a= b=c=d", (("a", ""), ("b", "c=d")), False),
        ("a b=c", (("a", "b=c"),), True),
        ("a\t b 'c", (("a", "b 'c"),), True),
    ],
)
def test_pairs(text: str, pairs: tuple[tuple[str, str], ...], legacy: bool) -> None:
    assert read_pairs(text, "ENV", "\\") == (pairs, legacy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ENV requires at least one argument"),
        ("a", "ENV must have two arguments"),
        ("a=b c d=e", 'Syntax error - can\'t find = in "c".'),
        ("=a", "ENV names can not be blank"),
    ],
)
def test_no_pairs(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read_pairs(text, "ENV", "\\")
    assert str(caught.value).startswith(message)
