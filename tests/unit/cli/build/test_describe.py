"""Outlines and targets."""

from __future__ import annotations

import json

import pytest

from wherry.cli.build import describe
from wherry.cli.build.source import Source
from wherry.cli.errors import CommandError, UsageError

TEXT = """\
# VERSION of the base
ARG VERSION=12
# base has the tools
FROM debian:$VERSION AS base
ARG VERSION
# FLAGS for the compiler
ARG FLAGS
RUN --mount=type=secret,id=token --mount=type=cache,target=/c make

FROM base AS unused
ARG NOT_SHOWN=1

FROM alpine AS other
ARG OTHER=1
RUN --mount=type=ssh,required=true git clone x

# final is what runs
FROM base AS final
COPY --from=other /a /b
RUN --mount=type=secret,target=/run/secrets/token,required=true true
"""
FILE = describe.read(Source("local", "Dockerfile", TEXT))


def test_targets() -> None:
    found = describe.targets(FILE)
    assert describe.target_lines(found) == [
        "TARGET            DESCRIPTION",
        "base              has the tools",
        "unused",
        "other",
        "final (default)   is what runs",
    ]
    nameless = describe.read(Source("local", "Dockerfile", "FROM a\nFROM b\n"))
    assert describe.target_lines(describe.targets(nameless))[1:] == ["(default)"]


def test_an_outline_is_of_all_that_a_target_needs() -> None:
    found = describe.outline(FILE, "", {"FLAGS": "-O2", "NAMELESS": None})
    assert found.name == "final"
    assert found.arguments == {"VERSION": "12", "FLAGS": "-O2", "OTHER": "1"}
    assert found.secrets == {"token": True}
    assert found.agents == {"default": True}
    assert found.caches == ["/c"]
    assert describe.outline_lines(found, FILE.comments) == [
        "TARGET:      final", "DESCRIPTION: is what runs", "",
        "BUILD ARG   VALUE     DESCRIPTION",
        "VERSION     12        of the base",
        "FLAGS       -O2       for the compiler",
        "OTHER       1", "",
        "SECRET    REQUIRED", "token     true", "",
        "SSH       REQUIRED", "default   true", "",
    ]  # fmt: skip
    told = json.loads(describe.outline_json(found, FILE.comments))
    assert told["args"][1] == {
        "name": "FLAGS", "description": "for the compiler", "value": "-O2",
    }  # fmt: skip
    assert told["cache"] == [{"ID": "/c"}]


@pytest.mark.parametrize("target", ["base", "BASE", "0"])
def test_an_outline_of_another_target(target: str) -> None:
    found = describe.outline(FILE, target, {})
    assert found.arguments == {"VERSION": "12", "FLAGS": ""}
    assert found.secrets == {"token": False}


def test_what_cannot_be_described() -> None:
    with pytest.raises(CommandError, match='target stage "nope" could not be found'):
        describe.outline(FILE, "nope", {})
    with pytest.raises(UsageError, match="want a Dockerfile that is here"):
        describe.read(Source("https://x", ""))
