"""What filters of the build cache mean, as `docker builder prune --filter` gives them: pure.

The names and what they compare are BuildKit's (moby, builder/builder-next/builder.go): `id` is a
regular expression that fits somewhere, everything else is the whole value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from wherry.base.errors import InvalidError

if TYPE_CHECKING:
    from wherry.store.buildcache import CacheUsage

Test = Callable[["CacheUsage"], bool]

_TRUTHS: Final = {"true": True, "1": True, "": True, "false": False, "0": False}


def chosen_by(filters: Mapping[str, Sequence[str]]) -> Test:
    """Return what tells whether an entry fits all filters; raises InvalidError."""
    tests = [_test(name, values) for name, values in filters.items() if values]
    return lambda usage: all(test(usage) for test in tests)


def _test(name: str, values: Sequence[str]) -> Test:
    if len(values) > 1:
        raise InvalidError(f"filters expect only one value: {name}")
    maker = _TESTS.get(name)
    if maker is None:
        raise InvalidError(f"invalid filter {name!r}: known are {', '.join(sorted(_TESTS))}")
    return maker(values[0])


def _id(value: str) -> Test:
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise InvalidError(f"invalid filter id={value}: {error}") from error
    return lambda usage: pattern.search(usage.id) is not None


def _truth(attribute: str, *, wanted: bool, value: str) -> Test:
    if value.lower() not in _TRUTHS:
        raise InvalidError(f"invalid filter value {value!r}: give true or false")
    expected = _TRUTHS[value.lower()] is wanted
    return lambda usage: getattr(usage, attribute) is expected


_TESTS: Final[Mapping[str, Callable[[str], Test]]] = {
    "id": _id,
    "parent": lambda value: lambda usage: usage.parent == value,
    "type": lambda value: lambda usage: usage.kind == value,
    "description": lambda value: lambda usage: usage.description == value,
    "inuse": lambda value: _truth("in_use", wanted=True, value=value),
    "shared": lambda value: _truth("shared", wanted=True, value=value),
    "private": lambda value: _truth("shared", wanted=False, value=value),
}
