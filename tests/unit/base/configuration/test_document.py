"""Where a problem is: the flag, the line of the key, or the line of what it stands in."""

from __future__ import annotations

from wherry.base.configuration.document import Document, Flag
from wherry.base.configuration.problems import ConfigurationError


def document() -> Document:
    data = {"a": {"b": [1, 2]}, "c": 3}
    return Document("f", data, {("a",): 1, ("a", "b"): 2, ("a", "b", 1): 3, ("c",): 9})


def test_lines() -> None:
    found = document()
    for path in [("c",), ("a", "b", 1), ("a", "x"), ("x",)]:
        found.complain(path, "no")
    assert [str(problem) for problem in found.problems] == [
        "f:9: c: no", "f:3: a.b[2]: no", "f:1: a.x: no", "f: x: no"
    ]  # fmt: skip
    assert str(ConfigurationError(found.problems)).splitlines() == [
        "f: x: no", "f:1: a.x: no", "f:3: a.b[2]: no", "f:9: c: no"
    ]  # fmt: skip


def test_flags_stand_in_for_keys() -> None:
    found = document()
    found.put(Flag("--b", ("a", "b"), [7]))
    found.put(Flag("--d", ("c", "d"), 8))
    assert found.data == {"a": {"b": [7]}, "c": {"d": 8}}
    found.complain(("a", "b", 0), "no")
    found.complain(("c", "d"), "neither")
    assert [str(problem) for problem in found.problems] == ["--b: no", "--d: neither"]
    assert found.flag_of(("a",)) is None
    assert (found.line_of(("a", "b")), found.line_of(("z",))) == (2, 0)
