"""What `--check` prints."""

from __future__ import annotations

import base64
import json

from wherry.cli.build.checks import as_json, lines
from wherry.cli.build.source import Source

SOURCE = Source("local", "Dockerfile", "FROM a\n")
SNIPPET = "--------------------\n   1 | >>> FROM a as b\n--------------------"
ONE = {
    "rule": "FromAsCasing", "message": "'as' and 'FROM' keywords' casing do not match", "first": 1,
    "last": 1, "url": "https://x/rule", "description": "about", "snippet": SNIPPET,
}  # fmt: skip


def test_nothing_was_found() -> None:
    assert list(lines([], SOURCE)) == ["Check complete, no warnings found."]


def test_findings_in_the_order_of_the_file() -> None:
    later = {"rule": "Other", "message": "m", "first": 7, "last": 7}
    assert "\n".join(lines([later, ONE], SOURCE)).split("\n") == [
        "Check complete, 2 warnings have been found!",
        "",
        "WARNING: FromAsCasing - https://x/rule",
        "'as' and 'FROM' keywords' casing do not match",
        "Dockerfile:1",
        *SNIPPET.split("\n"),
        "",
        "WARNING: Other",
        "m",
    ]
    assert next(iter(lines([ONE], SOURCE))) == "Check complete, 1 warning has been found!"


def test_json() -> None:
    found = json.loads(as_json([ONE], SOURCE))
    assert found["sources"] == [
        {"filename": "Dockerfile", "language": "Dockerfile",
         "data": base64.b64encode(b"FROM a\n").decode()}
    ]  # fmt: skip
    (warning,) = found["warnings"]
    assert (warning["ruleName"], warning["description"]) == ("FromAsCasing", "about")
    assert warning["location"]["ranges"] == [{"start": {"line": 1}, "end": {"line": 1}}]
    assert json.loads(as_json([], SOURCE))["warnings"] is None
