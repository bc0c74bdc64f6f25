"""The line that says how far something long is."""

from __future__ import annotations

import io

import pytest

from wherry.registry.server.commands.progress import Progress


class Terminal(io.StringIO):
    """Looks like a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("done", "passed", "line"),
    [
        (0, 0, "  0%  0 of 2,000 blobs"),
        (500, 1, " 25%  500 of 2,000 blobs"),
        (500, 10, " 25%  500 of 2,000 blobs, about 30 s left"),
        (1000, 600, " 50%  1,000 of 2,000 blobs, about 10 min left"),
        (1, 10, "  0%  1 of 2,000 blobs, about 6 h left"),
        (2000, 100, "100%  2,000 of 2,000 blobs"),
        (3000, 100, "100%  2,000 of 2,000 blobs"),
    ],
)
def test_one_total_and_an_estimate(done: int, passed: float, line: str) -> None:
    now = [0.0]
    progress = Progress(2000, "blobs", Terminal(), lambda: now[0])
    now[0] = passed
    assert progress.line(done) == line


def test_a_terminal_is_not_flooded_and_left_clean() -> None:
    now = [1.0]
    stream = Terminal()
    progress = Progress(10, "blobs", stream, lambda: now[0])
    progress.show(1)
    progress.show(2)
    now[0] += 0.2
    progress.show(3)
    progress.clear()
    assert stream.getvalue() == ("\r\x1b[K 10%  1 of 10 blobs\r\x1b[K 30%  3 of 10 blobs\r\x1b[K")


def test_a_file_gets_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(0, "blobs", stream)
    progress.show(1)
    progress.clear()
    assert stream.getvalue() == ""
