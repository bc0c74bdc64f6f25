"""Logical lines: continuation, comments, heredocs, and where they stand."""

from __future__ import annotations

import pytest

from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.instructions import Heredoc, Place
from wherry.build.dockerfile.lines import Line, logical_lines, read_text


def lines(text: str | bytes, escape: str = "\\") -> list[Line]:
    return list(logical_lines(read_text(text, "Dockerfile"), 0, escape, "Dockerfile"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("RUN a", [("RUN a", "RUN a", 1, 1)]),
        ("\n  RUN a  \n\n", [("RUN a  ", "RUN a", 2, 2)]),
        ("RUN a\\\nb", [("RUN ab", "RUN ab", 1, 2)]),
        ("RUN a \\\n   b", [("RUN a    b", "RUN a b", 1, 2)]),
        ("RUN a \\ \t\n   b", [("RUN a    b", "RUN a b", 1, 2)]),
        ("RUN \\\r\n  a \\\r\n\tb\r\n", [("RUN   a \tb", "RUN a b", 1, 3)]),
        ("RUN a \\\n\n  \n  b", [("RUN a   b", "RUN a b", 1, 4)]),
        ("RUN a \\\n# no\n   # no \\\n  b", [("RUN a   b", "RUN a b", 1, 4)]),
        ("RUN a \\\n# no", [("RUN a ", "RUN a", 1, 2)]),
        ("RUN a \\", [("RUN a ", "RUN a", 1, 1)]),
        (
            "RUN a \\\nRUN b\nRUN c",
            [("RUN a RUN b", "RUN a RUN b", 1, 2), ("RUN c", "RUN c", 3, 3)],
        ),
        ("\\\nRUN a", [("RUN a", "RUN a", 1, 2)]),
        # An escaped escape ends nothing.
        ("RUN a \\\\\nRUN b", [("RUN a \\\\", "RUN a \\\\", 1, 1), ("RUN b", "RUN b", 2, 2)]),
        ("RUN a # b", [("RUN a # b", "RUN a # b", 1, 1)]),
        ("# a\n  # b\nRUN a", [("RUN a", "RUN a", 3, 3)]),
        # Comments do not go on.
        ("# a \\\nRUN a", [("RUN a", "RUN a", 2, 2)]),
        ("RUN a\u2028b\x0cc\x1c", [("RUN a\u2028b\x0cc\x1c",) * 2 + (1, 1)]),
    ],
)
def test_lines(text: str, wanted: list[tuple[str, str, int, int]]) -> None:
    found = [(one.text, one.shown, one.place.first, one.place.last) for one in lines(text)]
    assert found == wanted


def test_another_escape() -> None:
    assert [one.text for one in lines("RUN a `\n b\nRUN c\\\nRUN d", "`")] == [
        "RUN a  b",
        "RUN c\\",
        "RUN d",
    ]


def test_many_lines_are_joined_at_once() -> None:
    [line] = lines("RUN a \\\n" + "  b \\\n" * 50_000)
    assert line.shown == "RUN a" + " b" * 50_000


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("RUN <<A\nA", [""]),
        ("RUN <<A\nx\nA\n", ["x\n"]),
        ("RUN <<A\n# x\n\n  y \\\nA\n", ["# x\n\n  y \\\n"]),
        ("RUN <<A\n A\nA \nA\n", [" A\nA \n"]),
        ("RUN <<A\r\nx\r\nA\r\n", ["x\r\n"]),
        ("RUN <<-A\n\t\tx\n\ty\tz\n \tw\n\tA\n", ["x\ny\tz\n \tw\n"]),
        ("RUN <<A\n\tx\nA", ["\tx\n"]),
        ("COPY <<A <<B /x\nB\nA\nA\nB\n", ["B\n", "A\n"]),
        ("RUN cat \\\n <<A\nx\nA", ["x\n"]),
        ("ONBUILD RUN <<A\nx\nA", ["x\n"]),
    ],
)
def test_heredocs(text: str, wanted: list[str]) -> None:
    [line] = lines(text)
    assert [one.content for one in line.heredocs] == wanted
    assert line.place == Place(1, text.rstrip("\n").count("\n") + 1)


def test_after_a_heredoc_comes_the_next_line() -> None:
    first, second = lines("COPY <<'A B' /x\nRUN y\nA B\n# why\nRUN z")
    assert first.heredocs == (Heredoc("A B", "RUN y\n", expand=False),)
    assert (second.text, second.place, second.comments) == ("RUN z", Place(5, 5), ("why",))


def test_a_heredoc_without_end() -> None:
    with pytest.raises(DockerfileError, match="unterminated heredoc: no line holds A ") as caught:
        lines("RUN y\nRUN <<B <<A\nB\n")
    assert caught.value.place == Place(2, 2)


def test_comments_above() -> None:
    first, second = lines("# a\n\n  #  b \nRUN x \\\n# within\n y\n# c\n#\n# d\nRUN z")
    assert first.comments == ("a", "b")
    assert second.comments == ("d",)


def test_reading_starts_where_it_is_told() -> None:
    written = read_text("RUN a\nRUN b\n", "x")
    assert [one.place.first for one in logical_lines(written, 1, "\\", "x")] == [2]


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfRUN a", "\ufeffRUN a"])
def test_a_byte_order_mark_is_dropped(text: str | bytes) -> None:
    assert read_text(text, "x") == ["RUN a"]
