"""Blanks."""

from __future__ import annotations

from wherry.build.dockerfile.blanks import BLANKS, split_all, split_first


def test_blanks_are_those_of_go() -> None:
    separators = "\x1c\x1d\x1e\x1f"
    python = {chr(code) for code in range(0x10000) if chr(code).isspace()}
    assert set(BLANKS) == python - set(separators)


def test_split() -> None:
    assert split_first("a \t b  c") == ("a", "b  c")
    assert split_first("a") == ("a", "")
    assert split_first("") == ("", "")
    assert split_all("a \t b\u00a0c") == ["a", "b\u00a0c"]
    assert split_all("") == []
