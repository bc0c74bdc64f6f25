"""The `filters` parameter: `{"key": ["value"]}` of docker-py, `{"key": {"value": true}}` of Go."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import msgspec

from wherry.base.errors import InvalidError

Filters = dict[str, list[str]]


def parse_filters(text: str, allowed: Set[str]) -> Filters:
    """Read filters of either shape; a key that is not in `allowed` is an error that names it."""
    if not text:
        return {}
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidError("invalid filters: not JSON") from None
    if not isinstance(plain, dict):
        raise InvalidError("invalid filters: not an object")
    for key in plain:
        if key not in allowed:
            raise InvalidError(f"invalid filter '{key}'")
    return {key: _values(key, value) for key, value in plain.items() if value}


def _values(key: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for word, wanted in value.items() if wanted is not False]
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return value
    if isinstance(value, str):
        return [value]
    raise InvalidError(f"invalid filter '{key}': neither a list nor a map of words")
