"""Lines of progress, as bytes."""

from __future__ import annotations

from wherry.wire.events import event_message
from wherry.wire.progress import ProgressDetail, ProgressLine, bar, encode_line, error_line


def test_a_line_says_only_what_it_has_and_ends_with_crlf() -> None:
    assert encode_line(ProgressLine(status="Pulling")) == b'{"status":"Pulling"}\r\n'
    line = ProgressLine(status="Downloading", progress_detail=ProgressDetail(5, 10), id="abc")
    assert encode_line(line) == (
        b'{"status":"Downloading","progressDetail":{"current":5,"total":10},"id":"abc"}\r\n'
    )


def test_an_error_is_told_twice_for_old_clients() -> None:
    assert error_line("no") == b'{"errorDetail":{"message":"no"},"error":"no"}\r\n'


def test_the_bar() -> None:
    assert bar(0, 0) == ""
    assert bar(50, 100) == "[" + "=" * 25 + ">" + " " * 25 + "]      50B/100B"
    assert bar(1_500_000, 0) == "   1.5MB"


def test_events_keep_the_old_fields_for_containers() -> None:
    made = event_message("container", "start", "c1", {"image": "i", "name": "n"}, 1_500_000_000)
    assert (made.status, made.id, made.origin, made.time) == ("start", "c1", "i", 1)
    assert event_message("network", "connect", "n1", {}, 1).status == ""
