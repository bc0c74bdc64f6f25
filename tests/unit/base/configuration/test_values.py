"""Kinds of values: what they take, and what they say of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wherry.base.configuration import values
from wherry.base.configuration.document import Document
from wherry.base.configuration.values import Kind, Place


def look(kind: Kind[Any], value: Any) -> tuple[Any, list[str]]:
    document = Document("f", {}, {})
    found = kind(Place(document, ("k",)), value)
    return found, [problem.message for problem in document.problems]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("15m", 900), ("1h", 3600), ("30d", 2_592_000), ("1h30m", 5400), ("1.5h", 5400),
        ("250ms", 0.25), ("2w", 1_209_600), ("90", 90), (90, 90), (0.5, 0.5), (0, 0),
        ("1h 5s", 3605),
        ("", None), ("h", None), ("1", 1), ("1y", None), ("-1h", None), (-1, None), (True, None),
        (float("nan"), None), (float("inf"), None), ([], None), ("1h junk", None), ("٣s", None),
        ("9" * 400, None), ("9" * 400 + "s", None),
    ],
)  # fmt: skip
def test_times(value: Any, seconds: float | None) -> None:
    assert values.parse_time(value) == seconds


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("4MB", 4 << 20), ("4 MiB", 4 << 20), ("4m", 4 << 20), ("10GB", 10 << 30), ("1t", 1 << 40),
        ("512", 512), ("512b", 512), (512, 512), (0, 0),
        ("", None), ("MB", None), ("-1", None), (-1, None), (1.5, None), (True, None),
        ("4PB", None), (None, None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_sizes(value: Any, size: int | None) -> None:
    assert values.parse_size(value) == size


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (values.text, 5, 'text in quotes is wanted, such as "…", not 5'),
        (values.text, {"a": 1}, 'text in quotes is wanted, such as "…", not a table'),
        (values.text, "a\nb", r'"a\nb" has control characters in it'),
        (values.switch, "yes", 'true or false is wanted, not "yes"'),
        (values.whole(1, 9), 10, "a whole number from 1 to 9 is wanted, not 10"),
        (values.whole(1, 9), True, "a whole number from 1 to 9 is wanted, not true"),
        (values.seconds(60), "1s", '"1s" is too short: "1m" is the least'),
        (values.seconds(0, 3600), "2h", '"2h" is too long: "1h" is the most'),
        (values.seconds(0), "x", 'a time is wanted, such as "15m", "1h" or "30d", not "x"'),
        (values.size(10), 5, "5 is too small: 10 bytes are the least"),
        (values.size(), 1 << 63, f"{1 << 63} is too large: {(1 << 63) - 1} bytes are the most"),
        (values.size(), "x", 'a size is wanted, such as "4MB" or "10GB", not "x"'),
        (values.one_of("a", "b"), "c", 'one of "a", "b" is wanted, not "c"'),
        (values.matching("[a-z]+", "a word is wanted"), "A", 'a word is wanted, not "A"'),
        (
            values.several(values.text, '["x"]'),
            "x",
            'a list is wanted, such as ["x"], not "x": write ["x"]',
        ),
    ],
)
def test_what_is_wrong_is_said(kind: Kind[Any], value: Any, message: str) -> None:
    assert look(kind, value) == (None, [message])


def test_each_element_of_a_list_is_looked_at() -> None:
    document = Document("f", {}, {})
    kind = values.several(values.one_of("a"), '["a"]')
    assert kind(Place(document, ("k",)), ["a", "b", "a", 1]) == ("a", "a")
    assert [problem.key for problem in document.problems] == ["k[2]", "k[4]"]


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\n")
    monkeypatch.setenv("A_SECRET", "from environment")
    monkeypatch.delenv("NO_SECRET", raising=False)
    assert look(values.secret, "plain") == ("plain", [])
    assert look(values.secret, {"file": str(file)}) == ("from file", [])
    assert look(values.secret, {"env": "A_SECRET"}) == ("from environment", [])
    assert look(values.secret, {"env": "NO_SECRET"})[1][0].startswith("the environment has no")
    assert look(values.secret, {"file": "/none"})[1] == [
        "/none cannot be read: no such file or directory"
    ]
    for wrong in ({"file": "a", "env": "b"}, {"flie": "a"}, ["hush"], 12345):
        found, messages = look(values.secret, wrong)
        assert found is None
        assert "hush" not in messages[0]
        assert "12345" not in messages[0]
