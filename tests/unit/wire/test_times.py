"""Times and durations as Go and docker write them."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.wire.human import human_duration
from wherry.wire.times import parse_time, rfc3339_fixed, rfc3339_nano

MOMENT = 1_795_465_174_680_209_622


def test_rfc3339_nano_drops_zeros_at_the_end() -> None:
    assert rfc3339_nano(MOMENT) == "2026-11-23T20:19:34.680209622Z"
    assert rfc3339_nano(MOMENT // 10**9 * 10**9 + 5 * 10**8) == "2026-11-23T20:19:34.5Z"
    assert rfc3339_nano(MOMENT // 10**9 * 10**9) == "2026-11-23T20:19:34Z"
    assert rfc3339_nano(0) == "0001-01-01T00:00:00Z"
    assert rfc3339_fixed(10**9) == "1970-01-01T00:00:01.000000000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795465174.680209622", MOMENT),
        ("1795465174", MOMENT // 10**9 * 10**9),
        ("0", 0),
        ("2026-11-23T20:19:34.680209Z", MOMENT // 1000 * 1000),
        ("2026-11-23T20:19:34+00:00", MOMENT // 10**9 * 10**9),
        ("10m", MOMENT - 600 * 10**9),
        ("1h30m", MOMENT - 5400 * 10**9),
    ],
)
def test_what_clients_send_as_a_time(text: str, expected: int) -> None:
    assert parse_time(text, MOMENT) == expected


@pytest.mark.parametrize("text", ["x", "10x", "12:00", "--1"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_time(text, MOMENT)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"),
        (2 * 365 * 86400, "2 years"),
    ],
)
def test_human_durations(seconds: int, words: str) -> None:
    assert human_duration(seconds * 10**9) == words
