"""Fault points do nothing unless asked."""

from __future__ import annotations

import pytest

from wherry.base import faults


def test_parse() -> None:
    assert faults.parse("a.b=raise, c,") == {"a.b": "raise", "c": "kill"}
    assert faults.parse("") == {}


def test_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_active", {"here": "raise"})
    faults.point("elsewhere")
    with pytest.raises(OSError, match="here"):
        faults.point("here")
