"""Whatever stands behind the keys: options, or what is wrong with them; never a traceback."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wherry.base.configuration.problems import ConfigurationError
from wherry.daemon.configuration import Options
from wherry.daemon.configuration.assemble import assemble
from wherry.daemon.configuration.document import parse
from wherry.daemon.configuration.flags import parse as parse_flags
from wherry.daemon.configuration.read import read
from wherry.daemon.configuration.table import TABLE

WORDS = st.sampled_from(
    ["", "a", "/a", "a=b", "a=b=c", "10.0.0.0/8", "10.0.0.1/24", "::1", "tcp://", "unix:///x", "fd://",
     "1m", "-1", "9" * 5000, "0x10", "true", "http://u:p@h", "base=x,size=y", "\x00", "é", "\u2028"]
)  # fmt: skip
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
NAMES = [*(part for one in TABLE for part in one.path), "Soft", "Hard", "base", "size"]
KEYS = st.sampled_from(NAMES)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | WORDS, inner, max_size=4),
    max_leaves=12,
)
FLAGS = st.sampled_from([flag for one in TABLE for flag in one.flags])


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_every_value_is_read_or_complained_of(content: dict[str, Any]) -> None:
    document = parse("f", json.dumps(content).encode())
    found = read(document)
    for problem in document.problems:
        assert problem.line == 1
        assert problem.message
    assert isinstance(assemble(found.values), Options)


@given(st.lists(st.tuples(FLAGS, WORDS), max_size=4), st.booleans())
def test_every_flag_is_read_or_complained_of(given: list[tuple[str, str]], joined: bool) -> None:
    words = []
    for flag, value in given:
        words += [f"{flag}={value}"] if joined else [flag, value]
    try:
        arguments = parse_flags(words)
    except ConfigurationError as error:
        assert error.problems  # noqa: PT017 - a switch takes no word
        return
    document = parse("f", b"")
    for flag in arguments.flags:
        document.put(flag)
    found = read(document)
    assert all(problem.place.startswith("-") for problem in document.problems)
    assert isinstance(assemble(found.values), Options)
