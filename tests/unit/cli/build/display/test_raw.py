"""Events for programs."""

from __future__ import annotations

import json

from fixtures.build_events import Clock, began, ended, planned, wrote
from wherry.cli.build.display.raw import Raw, Silent


def test_events_are_lines_of_json() -> None:
    written: list[str] = []
    display = Raw(written.append, Clock())
    events = [planned("RUN a"), began(0), wrote(0, b"\xff"), {"event": "of later", "text": "é"}]
    for event in events:
        display.take({"type": "event", **event})
    display.tick()
    display.close()
    assert [json.loads(line) for line in written] == events
    assert all(line.endswith("\n") for line in written)
    assert "é" in written[-1]


def test_silence_still_knows_what_went_wrong() -> None:
    display = Silent(Clock())
    for event in (planned("RUN a"), began(0), wrote(0, b"x\n"), ended(0, error="broken")):
        display.take(event)
    display.tick()
    display.close()
    failed = display.board.failed()
    assert failed is not None
    assert [line for _, line in failed.tail] == ["x"]
