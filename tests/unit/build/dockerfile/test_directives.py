"""Directives for the parser: which lines are, which end them."""

from __future__ import annotations

import pytest

from wherry.build.dockerfile.directives import read_directives
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.instructions import Directives


@pytest.mark.parametrize(
    ("text", "wanted", "taken"),
    [
        ("", Directives(), 0),
        ("FROM x", Directives(), 0),
        ("# syntax=docker/dockerfile:1", Directives(syntax="docker/dockerfile:1"), 1),
        ("#  Syntax =  a/b more  ", Directives(syntax="a/b"), 1),
        ("#escape=`\n# syntax=x", Directives(syntax="x", escape="`"), 2),
        ("# escape=\\", Directives(), 1),
        ("\n# escape=`", Directives(), 0),
        ("# words\n# escape=`", Directives(), 0),
        ("# other=x\n# escape=`", Directives(), 0),
        ("FROM x\n# escape=`", Directives(), 0),
        ("#!/usr/bin/env x\n# syntax=y", Directives(syntax="y"), 2),
        ("# check=skip=all", Directives(skip=frozenset({"all"})), 1),
        (
            "# check=skip=A,B;error=true",
            Directives(skip=frozenset({"A", "B"}), check_fails=True),
            1,
        ),
        ("# check=error=0;experimental=C", Directives(experimental=frozenset({"C"})), 1),
        ("# escape=", Directives(), 0),
    ],
)
def test_read(text: str, wanted: Directives, taken: int) -> None:
    assert read_directives(text.split("\n"), "Dockerfile") == (wanted, taken)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("# escape=x", 1, "invalid escape token 'x' does not match ` or \\"),
        ("# escape=``", 1, "invalid escape token '``'"),
        ("# syntax=a\n# SYNTAX=b", 2, "only one syntax parser directive can be used"),
        ("# check=all", 1, 'failed to parse check options: invalid check option "all"'),
        ("# check=skop=A", 1, 'failed to parse check options: invalid check option "skop"'),
        ("# check=error=yes", 1, "failed to parse check options: failed to parse check option"),
        ("# check=skip=a;error=true;x=1;y=2", 1, "failed to parse check options"),
    ],
)
def test_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        read_directives(text.split("\n"), "Dockerfile")
    assert caught.value.message.startswith(message)
    assert caught.value.place.first == line
