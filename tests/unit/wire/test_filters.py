"""Filters in both shapes."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.wire.filters import parse_filters


@pytest.mark.parametrize("text", ['{"label":["a=b","c"]}', '{"label":{"a=b":true,"c":true}}'])
def test_both_shapes(text: str) -> None:
    assert parse_filters(text, {"label"}) == {"label": ["a=b", "c"]}


def test_nothing() -> None:
    assert parse_filters("", set()) == {}
    assert parse_filters("{}", set()) == {}


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(InvalidError, match=r"^invalid filter 'foo'$"):
        parse_filters('{"foo":["x"]}', {"label"})


@pytest.mark.parametrize("text", ["junk", "[]", '{"label":5}', '{"label":[5]}'])
def test_malformed(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_filters(text, {"label"})
