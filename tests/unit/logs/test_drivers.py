"""Log drivers and their options, in dockerd's words."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.logs.drivers import check, rotation
from wherry.logs.writer import LogOptions


@pytest.mark.parametrize(
    ("driver", "options", "size", "files"),
    [
        ("json-file", {}, 0, 1),
        ("json-file", {"max-size": "10m", "max-file": "3"}, 10_000_000, 3),
        ("json-file", {"max-size": "1.5k"}, 1500, 1),
        ("json-file", {"max-size": "-1"}, 0, 1),
        ("json-file", {"max-size": "2GB"}, 2_000_000_000, 1),
        ("json-file", {"max-size": "512"}, 512, 1),
        ("local", {}, 20 << 20, 5),
        ("local", {"max-size": "1m", "max-file": "2"}, 1 << 20, 2),
        ("none", {"max-size": "1m"}, 0, 1),
    ],
)
def test_how_output_is_rotated(driver: str, options: dict[str, str], size: int, files: int) -> None:
    check(driver, options)
    assert rotation(driver, options) == LogOptions(size, files)


def test_what_changes_nothing_is_taken() -> None:
    words = "labels labels-regex env env-regex tag mode cache-disabled".split()
    check("json-file", dict.fromkeys(words, "") | {"compress": "true"})
    check("none", {"whatever": "x"})
    check("local", {"mode": "non-blocking", "max-buffer-size": "4m"})


@pytest.mark.parametrize(
    ("driver", "options", "words"),
    [
        ("syslog", {}, "logger: no log driver named 'syslog' is registered"),
        ("", {}, "no log driver named ''"),
        ("json-file", {"max-sise": "1m"}, "unknown log opt 'max-sise' for json-file log driver"),
        ("local", {"labels": "x"}, "unknown log opt 'labels' for local log driver"),
        ("json-file", {"mode": "fast"}, "logging mode not supported: fast"),
        ("json-file", {"max-buffer-size": "1m"}, "only supported with 'mode=non-blocking'"),
        ("json-file", {"max-size": "much"}, "max-size=much"),
        ("json-file", {"max-size": "-5m"}, "max-size=-5m"),
        ("json-file", {"max-size": "9" * 40}, "max-size"),
        ("json-file", {"max-size": "٣"}, "max-size"),
        ("json-file", {"max-file": "0"}, "max-file cannot be less than 1"),
        ("json-file", {"max-file": "-1"}, "max-file=-1"),
        ("local", {"max-file": "x"}, "max-file=x"),
        ("json-file", {"compress": "maybe"}, "compress=maybe"),
    ],
)
def test_what_makes_no_sense_is_refused(driver: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidError, match=words.replace("(", r"\(")):
        check(driver, options)
