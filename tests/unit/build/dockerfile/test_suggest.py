"""Suggestions for words that do not exist."""

from __future__ import annotations

import pytest

from wherry.build.dockerfile.suggest import with_suggestion

KNOWN = ["ADD", "COPY", "RUN", "WORKDIR"]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("RUNN", "no (did you mean RUN?)"),
        ("runn", "no (did you mean run?)"),
        ("Runn", "no (did you mean RUN?)"),
        ("WRKDR", "no (did you mean WORKDIR?)"),
        ("WORK", "no"),
        ("run", "no"),
        ("INCLUDE", "no"),
        ("X" * 10_000, "no"),
        ("", "no"),
    ],
)
def test_without_regard_to_case(word: str, wanted: str) -> None:
    assert with_suggestion("no", word, KNOWN, any_case=True) == wanted


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("linkk", "no (did you mean link?)"), ("Link", "no (did you mean link?)"), ("LINK", "no")],
)
def test_with_regard_to_case(word: str, wanted: str) -> None:
    assert with_suggestion("no", word, ["link", "chown"]) == wanted
