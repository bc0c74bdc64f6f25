"""Lists of fields."""

from __future__ import annotations

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.options.fields import fields, pairs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a=1,b=2", ["a=1", "b=2"]),
        ('a,"b,c",d', ["a", "b,c", "d"]),
        ('"name=x,y",push=true', ["name=x,y", "push=true"]),
    ],
)
def test_fields(text: str, found: list[str]) -> None:
    assert fields(text) == found


def test_pairs() -> None:
    assert pairs("ID=a,src=b=c,id=d") == {"id": "d", "src": "b=c"}
    with pytest.raises(UsageError, match="invalid field 'x' must be a key=value pair"):
        pairs("a=b,x")
