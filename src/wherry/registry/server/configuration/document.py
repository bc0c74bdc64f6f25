"""A text of settings in TOML, parsed, with its lines, and with the flags that go before it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

from wherry.base.configuration.document import Document, Flag
from wherry.base.configuration.problems import ConfigurationError, Problem
from wherry.registry.server.configuration.positions import locate

_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse(name: str, text: str, flags: Sequence[Flag] = ()) -> Document:
    """Parse a text; raises ConfigurationError, with the line, when it is not TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([_malformed(name, text, str(error))]) from None
    document = Document(name, data, locate(text))
    for flag in flags:
        document.put(flag)
    return document


def _malformed(name: str, text: str, words: str) -> Problem:
    found = _WHERE.search(words)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    column = f", column {found[2]}" if found and found[2] else ""
    reason = _WHERE.sub("", words)
    message = f"not TOML{column}: {reason[:1].lower()}{reason[1:]}"
    return Problem(f"{name}:{line}", "", message, line)
