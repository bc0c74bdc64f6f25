"""Filters of the build cache."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.store.buildcache import CacheUsage
from wherry.store.cachefilters import chosen_by

STEP = CacheUsage("abc-def", "regular", "RUN x", "p", 1, 0, 0, 1, shared=True)
MOUNT = CacheUsage("012", "exec.cachemount", "cache mount /c", "", 1, 0, 0, 1, in_use=True)


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        ({}, [STEP, MOUNT]),
        ({"id": []}, [STEP, MOUNT]),
        ({"id": ["^abc"]}, [STEP]),
        ({"id": ["bc|1"]}, [STEP, MOUNT]),
        ({"type": ["exec.cachemount"]}, [MOUNT]),
        ({"description": ["RUN x"]}, [STEP]),
        ({"description": ["RUN"]}, []),
        ({"parent": ["p"]}, [STEP]),
        ({"inuse": ["true"]}, [MOUNT]),
        ({"inuse": ["0"]}, [STEP]),
        ({"shared": [""]}, [STEP]),
        ({"private": ["True"]}, [MOUNT]),
        ({"type": ["regular"], "id": ["0"]}, []),
    ],
)
def test_filters_choose(filters: dict[str, list[str]], chosen: list[CacheUsage]) -> None:
    fits = chosen_by(filters)
    assert [one for one in (STEP, MOUNT) if fits(one)] == chosen


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"id": ["a", "b"]}, "filters expect only one value: id"),
        ({"id": ["("]}, "invalid filter id="),
        ({"color": ["red"]}, "invalid filter 'color'"),
        ({"shared": ["maybe"]}, "give true or false"),
    ],
)
def test_filters_that_say_nothing_are_errors(filters: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        chosen_by(filters)
