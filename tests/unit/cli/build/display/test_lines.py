"""Lines out of what a process writes."""

from __future__ import annotations

import pytest

from wherry.cli.build.display.lines import LONGEST, Lines, shown


@pytest.mark.parametrize(
    ("pieces", "lines", "unfinished"),
    [
        ([b"a\nb\n"], ["a", "b"], ""),
        ([b"a", b"b\nc"], ["ab"], "c"),
        ([b"\n\n"], ["", ""], ""),
        ([b"windows\r\n"], ["windows"], ""),
        ([b"10%\r20%\r30%\n"], ["30%"], ""),
        ([b"10%\r", b"20%\r"], [], "20%"),
        (["é".encode()[:1], "é".encode()[1:] + b"\n"], ["é"], ""),
        ([b"\xff\n"], ["\ufffd"], ""),
        ([], [], ""),
    ],
)
def test_lines(pieces: list[bytes], lines: list[str], unfinished: str) -> None:
    stream = Lines()
    assert [line for piece in pieces for line in stream.feed(piece)] == lines
    assert stream.unfinished == unfinished
    assert stream.finish() == ([unfinished] if unfinished else [])
    assert stream.finish() == []


def test_a_line_without_an_end_is_given_in_parts() -> None:
    stream = Lines()
    assert [len(line) for line in stream.feed(b"x" * (2 * LONGEST + 1))] == [LONGEST, LONGEST]
    assert stream.unfinished == "x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\tb", "a       b"),
        ("bell\x07 \x9b2J é", "bell 2J é"),
    ],
)
def test_nothing_moves_the_cursor(text: str, expected: str) -> None:
    assert shown(text) == expected
