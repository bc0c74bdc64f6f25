"""Errors and the lines that they show."""

from __future__ import annotations

from wherry.build.dockerfile.errors import DockerfileError, quoted, snippet
from wherry.build.dockerfile.instructions import Place
from wherry.build.dockerfile.parse import parse

LINES = [f"line {number}" for number in range(1, 41)]


def shown(place: Place) -> list[str]:
    head, *rows, foot = snippet(LINES, place).split("\n")
    assert head == foot == "-" * 20
    return rows


def test_a_line_with_some_around() -> None:
    assert shown(Place(5, 5)) == [
        "   2 |     line 2",
        "   3 |     line 3",
        "   4 |     line 4",
        "   5 | >>> line 5",
        "   6 |     line 6",
        "   7 |     line 7",
        "   8 |     line 8",
    ]


def test_several_lines_at_the_end() -> None:
    assert shown(Place(39, 44)) == [
        "  37 |     line 37",
        "  38 |     line 38",
        "  39 | >>> line 39",
        "  40 | >>> line 40",
    ]


def test_a_long_place_is_cut() -> None:
    rows = shown(Place(3, 30))
    assert len(rows) == 17
    assert rows[8] == "     | ..."
    assert rows[-1] == "  32 |     line 32"


def test_a_name_and_no_such_line() -> None:
    assert snippet(["x"], Place(1, 1), "a/Dockerfile").startswith("a/Dockerfile:1\n-----")
    assert snippet(["x"], Place(2, 2)) == ""
    assert snippet([], Place(1, 1)) == ""


def test_terminals_are_not_obeyed() -> None:
    assert "\x1b" not in snippet(["\x1b[2Jx\0"], Place(1, 1))
    assert len(snippet(["x" * 60_000], Place(1, 1))) < 300


def test_an_error_about_a_file() -> None:
    file = parse("FROM x\nRUN y\n", "Dockerfile.a")
    error = DockerfileError.at(file, file.stages[0].instructions[0].place, "no such thing")
    assert (error.message, error.name, error.place) == (
        "no such thing",
        "Dockerfile.a",
        Place(2, 2),
    )
    assert str(error).startswith(
        "dockerfile parse error on line 2: no such thing\n\nDockerfile.a:2\n---"
    )
    assert str(error).endswith(error.snippet)
    assert str(DockerfileError("x", Place(3, 3))) == "dockerfile parse error on line 3: x"


def test_quoted() -> None:
    assert quoted('a"b\né') == '"a\\"b\\né"'
    assert len(quoted("x" * 1000)) < 200
