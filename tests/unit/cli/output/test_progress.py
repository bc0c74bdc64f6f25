"""Progress of a transfer, on a terminal and elsewhere."""

from __future__ import annotations

import io
from typing import Any

import pytest

from wherry.cli.errors import CommandError
from wherry.cli.output.progress import Progress


class Screen(io.StringIO):
    """A terminal that only remembers."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return -1


class Clock:
    """Time that goes on by `step` with every look."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def moved(status: str, current: int, total: int) -> dict[str, Any]:
    return {"id": "aa", "status": status, "progressDetail": {"current": current, "total": total}}


PULL: list[dict[str, Any]] = [
    {"id": "1", "status": "Pulling from app"},
    {"id": "bb", "status": "Already exists", "progressDetail": {}},
    {"id": "aa", "status": "Pulling fs layer", "progressDetail": {}},
    moved("Downloading", 10_000_000, 40_000_000),
    moved("Downloading", 20_000_000, 40_000_000),
    {"id": "aa", "status": "Download complete", "progressDetail": {}},
    moved("Extracting", 39_000_000, 40_000_000),
    {"id": "aa", "status": "Pull complete", "progressDetail": {}},
    {"status": "Digest: sha256:12"},
    {"status": "Status: Downloaded newer image for app:1"},
]


def test_elsewhere_there_are_plain_lines() -> None:
    out = io.StringIO()
    Progress(out).show(PULL)
    assert out.getvalue().splitlines() == [
        "1: Pulling from app", "bb: Already exists", "aa: Pulling fs layer",
        "aa: Download complete", "aa: Pull complete", "Digest: sha256:12",
        "Status: Downloaded newer image for app:1",
    ]  # fmt: skip


def test_a_terminal_has_one_total_with_rate_and_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    Progress(screen, clock=Clock(0.5)).show(PULL)
    shown = screen.getvalue()
    assert "aa: Downloading 20MB/40MB\n" in shown
    assert "Total: 1/2 layers, downloading 20MB/40MB, 6.67MB/s, 3s left\n" in shown
    assert "Total: 1/2 layers, extracting 39MB/40MB" in shown
    final = shown.rpartition("\x1b[J")[2].splitlines()
    assert final[0].startswith("Total: 2 layers, 40MB in ")
    assert final[1:] == ["Digest: sha256:12", "Status: Downloaded newer image for app:1"]


def test_a_dumb_terminal_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen()
    Progress(screen).show(PULL)
    assert "\x1b" not in screen.getvalue()
    silent = io.StringIO()
    extra = Progress(silent, quiet=True).show([*PULL, {"aux": {"Size": 1}}])
    assert (silent.getvalue(), extra) == ("", [{"Size": 1}])


def test_a_failure_in_the_stream_is_an_error() -> None:
    messages = [PULL[0], {"errorDetail": {"message": "no room"}, "error": "no room"}]
    with pytest.raises(CommandError, match="no room"):
        Progress(io.StringIO()).show(messages)


def test_streams_are_passed_on() -> None:
    out = io.StringIO()
    Progress(out).show([{"stream": "Loaded image: a:1\n"}])
    assert out.getvalue() == "Loaded image: a:1\n"
