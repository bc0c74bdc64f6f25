"""Detach keys, typed at once, in pieces, and almost."""

from __future__ import annotations

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.terminal.detach import DEFAULT, DetachFilter, parse_keys


def test_keys_are_read() -> None:
    assert parse_keys(DEFAULT) == b"\x10\x11"
    assert parse_keys("a,ctrl-[,ctrl-Z") == b"a\x1b\x1a"
    with pytest.raises(UsageError, match="Unknown character: 'foo'"):
        parse_keys("foo")


def test_the_sequence_is_held_back_and_what_is_none_passes() -> None:
    keys = DetachFilter(b"\x10\x11")
    assert keys.feed(b"ls\n\x10") == b"ls\n"
    assert keys.feed(b"x\x10\x10") == b"\x10x\x10"
    assert not keys.detached
    assert keys.feed(b"\x11rest") == b""
    assert keys.detached
    assert DetachFilter(b"").feed(b"\x10\x11") == b"\x10\x11"
