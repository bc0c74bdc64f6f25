"""Whole files: stages, what stands before them, and every way to be wrong."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.base.errors import InvalidError
from wherry.build.dockerfile import instructions as i
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.parse import parse, parse_instruction


def test_stages() -> None:
    file = parse(
        "ARG V=1\nARG W\nFROM a:$V AS One\nRUN x\nARG Z\nfrom b\nFROM one as t.w-o_2\nCMD y\n"
    )
    assert [arg.values for arg in file.arguments] == [(("V", "1"),), (("W", None),)]
    assert [(one.index, one.name, one.start.image) for one in file.stages] == [
        (0, "one", "a:$V"),
        (1, "", "b"),
        (2, "t.w-o_2", "one"),
    ]
    assert [[one.keyword for one in stage.instructions] for stage in file.stages] == [
        ["RUN", "ARG"],
        [],
        ["CMD"],
    ]


def test_the_file_is_kept() -> None:
    file = parse(b"\xef\xbb\xbf# escape=`\r\nFROM x\r\n\r\nRUN a `\r\n  b\r\n", "web/Dockerfile")
    assert file.name == "web/Dockerfile"
    assert file.lines == ("# escape=`", "FROM x", "", "RUN a `", "  b")
    assert file.directives.escape == "`"
    [run] = file.stages[0].instructions
    assert isinstance(run, i.Run)
    assert (run.place, run.text, run.command.text) == (i.Place(4, 5), "RUN a b", "a   b")


def test_comments_describe_stages_and_arguments() -> None:
    file = parse(
        "# V is the version\n# other words\nARG V\n"
        "# base has tools\n\nFROM x AS base\n"
        "# V again\n#\n# U has no use\nARG V U\n"
        "# base is not told twice\nFROM y AS base\n"
    )
    assert file.comments == {"V": "is the version", "base": "has tools", "U": "has no use"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "file with no instructions"),
        ("\n# only\n\n", 3, "file with no instructions"),
        ("ARG a\n", 1, "dockerfile contains no stages to build"),
        ("RUN x", 1, "no build stage in current context"),
        ("ARG a\nENV a=b\nFROM x", 2, "no build stage in current context"),
        ("FROM x\nRUNN x", 2, "unknown instruction: RUNN (did you mean RUN?)"),
        ("FROM x\nruns x", 2, "unknown instruction: runs (did you mean run?)"),
        ("FROM x\nCopi a b", 2, "unknown instruction: Copi (did you mean COPY?)"),
        ("FROM x\nINCLUDE y", 2, "unknown instruction: INCLUDE"),
        ("FROM x\n\\\n", 2, "unknown instruction: "),
        ("FROM x\n\u017fHELL []", 2, "unknown instruction: \u017fHELL"),
        ("FROM x\nRUN a\n\n  && b", 4, "unknown instruction: &&"),
        ("FROM", 1, "FROM requires either one or three arguments"),
        ("FROM a b", 1, "FROM requires either one or three arguments"),
        ("FROM a IS b", 1, "FROM requires either one or three arguments"),
        ("FROM a AS 1x", 1, 'invalid name for build stage: "1x", name can\'t start with a number'),
        ("FROM a AS b/c", 1, 'invalid name for build stage: "b/c"'),
        ("FROM --plattform=x a", 1, "unknown flag: --plattform (did you mean platform?)"),
        ("FROM x\nRUN <<EOF\na\n", 2, "unterminated heredoc"),
        ("FROM x\nRUN a \\\n b <<EOF\na\n", 2, "unterminated heredoc"),
        ("FROM x\nRUN a\0b", 2, "NUL character: a Dockerfile is text"),
        (b"FROM x\nRUN a\n# \xff\n", 3, "invalid UTF-8: a Dockerfile is text"),
        ("FROM x\nRUN \udcff\n", 2, "invalid UTF-8: a Dockerfile is text"),
        (b"\xff\xfeF\0", 1, "invalid UTF-8: a Dockerfile is text"),
        ("FROM x\nRUN " + "a" * 65532, 2, "dockerfile line greater than max allowed size of 65535"),
        ("# escape=x\nFROM x", 1, "invalid escape token 'x' does not match ` or \\"),
    ],
)
def test_refused(text: str | bytes, line: int, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert caught.value.place.first == line
    assert caught.value.message.startswith(message)
    assert str(caught.value).startswith(f"dockerfile parse error on line {line}: {message}")
    assert isinstance(caught.value, InvalidError)


def test_the_longest_line() -> None:
    file = parse("FROM x\nRUN " + "a" * 65531)
    assert file.stages[0].instructions[0].text.endswith("aaa")


def test_the_error_shows_the_lines() -> None:
    with pytest.raises(DockerfileError) as caught:
        parse("FROM x\n\nCOPY a\nRUN y\n", "Dockerfile.web")
    assert str(caught.value) == (
        "dockerfile parse error on line 3: COPY requires at least two arguments, but only one was"
        " provided. Destination could not be determined\n"
        "\n"
        "Dockerfile.web:3\n"
        "--------------------\n"
        "   1 |     FROM x\n"
        "   2 |\n"
        "   3 | >>> COPY a\n"
        "   4 |     RUN y\n"
        "--------------------"
    )


def test_a_single_instruction() -> None:
    found = parse_instruction("\n# why\nCOPY <<EOF \\\n /x\n$a\nEOF\n")
    assert isinstance(found, i.Copy)
    assert (found.sources, found.destination) == (("<<EOF",), "/x")
    assert found.heredocs == (i.Heredoc("EOF", "$a\n", expand=True),)
    assert found.place == i.Place(3, 6)


def test_a_single_instruction_with_another_escape() -> None:
    found = parse_instruction("ENV a=` b", escape="`")
    assert isinstance(found, i.Env)
    assert found.pairs == (("a", "` b"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a single instruction, found 0"),
        ("# escape=`", "expected a single instruction, found 0"),
        ("USER a\nUSER b", "expected a single instruction, found 2"),
        ("FROM x", "FROM begins a stage"),
        ("USERS a", "unknown instruction: USERS (did you mean USER?)"),
    ],
)
def test_no_single_instruction(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_instruction(text, name="trigger")
    assert caught.value.message.startswith(message)
    assert caught.value.name == "trigger"


KEYWORDS = [
    *"ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN".split(),
    *"SHELL STOPSIGNAL USER VOLUME WORKDIR from".split(),
]
BITS = [
    *KEYWORDS,
    *["\n", "\n", " ", " ", "\\\n", "\t", "\r\n", "#", "# escape=`\n", "# check=skip=a;error=1\n"],
    *["<<EOF", "<<-'A B'", "EOF\n", "EOF", "<<", '"', "'", "\\", "`", "$x", "${", "}", "=", ","],
    *["--mount=type=", "--from=", "--link", "--", "cache", "target=/x", "--interval=1", "a", "é"],
    *['["a", "b"]', "[", "[1]", "]", "NONE", "AS", "\x00", "\ufeff", "\x85", "\u2028"],
]
SOURCES = st.one_of(
    st.lists(st.sampled_from(BITS), max_size=30).map("".join),
    st.text(string.printable, max_size=60),
    st.text(max_size=40),
    st.binary(max_size=40),
)


@given(SOURCES, st.sampled_from(["", "FROM x\n", "FROM x\nRUN ", "# escape=`\nFROM x\nCOPY "]))
def test_only_this_error_is_raised(source: str | bytes, before: str) -> None:
    text = before.encode() + source if isinstance(source, bytes) else before + source
    with contextlib.suppress(DockerfileError):
        check_places(parse(text))


@given(SOURCES)
def test_only_this_error_is_raised_by_single_instructions(source: str | bytes) -> None:
    with contextlib.suppress(DockerfileError):
        assert parse_instruction(source).keyword in KEYWORDS


def check_places(file: i.Dockerfile) -> None:
    last = 0
    for one in [*file.arguments, *(x for s in file.stages for x in (s.start, *s.instructions))]:
        assert last < one.place.first <= one.place.last <= len(file.lines)
        assert one.keyword in KEYWORDS
        last = one.place.last


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), max_size=5))
def test_a_trigger_says_what_it_was_given(words: list[str]) -> None:
    line = " ".join(["RUN", "x", *(word.strip("\\<-") for word in words)])
    onbuild = parse_instruction(f"ONBUILD {line}")
    assert isinstance(onbuild, i.Onbuild)
    run, again = parse_instruction(line), parse_instruction(onbuild.trigger)
    assert isinstance(run, i.Run)
    assert isinstance(again, i.Run)
    assert run.command == again.command
