"""Go's filepath.Match, one component at a time."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.context.patterns import SourcePatternError, component_matcher, has_wildcard


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*", "", True),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*", "abc", True),
        ("a**", "abc", True),
        ("a*b*c", "axbxc", True),
        ("a*b*c", "axbx", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^b-d]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a?b", "a☺b", True),
        ("a[^a]b", "a☺b", True),
        ("a??b", "a☺b", False),
        ("[a-ζ]*", "δ", True),
        ("*[a-ζ]", "A", False),
        ("[\\]a]", "]", True),
        ("[\\-]", "-", True),
        ("[x\\-]", "x", True),
        ("[x\\-]", "z", False),
        ("[\\-x]", "-", True),
        ("[z-a]", "z", False),
        ("[^z-a]", "z", True),
        ("[[]x].txt", "[x].txt", True),
        ("[!a]", "!", True),
        ("[!a]", "b", False),
        ("a.c", "abc", False),
        ("*.{a,b}", "x.{a,b}", True),
        ("?", "\udcff", True),
        ("a\n*", "a\nb", True),
    ],
)
def test_match(pattern: str, name: str, matches: bool) -> None:
    test = component_matcher(pattern.encode("utf-8", "surrogateescape"))
    assert test(name.encode("utf-8", "surrogateescape")) is matches


@pytest.mark.parametrize(
    "pattern",
    ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\", "[\\", "[a"],
)
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(SourcePatternError, match="syntax error in pattern"):
        component_matcher(pattern.encode())


@pytest.mark.parametrize(
    ("text", "special"),
    [("a", False), ("a*", True), ("a?b", True), ("[", True), ("]", False), ("a\\*", False),
     ("\\\\*", True), ("\\[x]", False), ("a\n*", True), ("\\\n*", True)],
)  # fmt: skip
def test_has_wildcard(text: str, special: bool) -> None:
    assert has_wildcard(text.encode()) is special


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_like_the_shell(pattern: str, name: str) -> None:
    assert component_matcher(pattern.encode())(name.encode()) == fnmatch.fnmatchcase(name, pattern)


def test_many_stars_cost_little() -> None:
    assert not component_matcher(b"*" * 60 + b"x")(b"a" * 200)
    assert not component_matcher(b"*a" * 60 + b"*b")(b"a" * 200)
    assert component_matcher(b"*a" * 60 + b"*b")(b"a" * 200 + b"b")
