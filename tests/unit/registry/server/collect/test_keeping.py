from __future__ import annotations

from typing import Any

import pytest

from wherry.oci.digest import Digest
from wherry.registry.server.catalog.catalog import TagRow
from wherry.registry.server.collect.keeping import Keeping
from wherry.registry.server.hosted.immutable import ImmutableTags
from wherry.registry.server.settings import DAY, Retention, Rule

NOW = 1000 * DAY
NAMES = ["latest", "v3", "nightly-3", "v2", "nightly-2", "v1"]
ROWS = [TagRow(name, Digest(f"sha256:{name}"), NOW - age * DAY) for age, name in enumerate(NAMES)]


def dropped(*rules: Retention, immutable: tuple[str, ...] = ()) -> list[str]:
    keeping = Keeping(rules, ImmutableTags([Rule(("*",), immutable=immutable)]))
    return [row.name for row in keeping.dropped("team/app", ROWS, NOW)]


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing said of tags": ({"keep_untagged": 0.0}, []),
    "the last": ({"keep_last": 2}, NAMES[2:]),
    "none": ({"keep_last": 0}, NAMES),
    "more than there are": ({"keep_last": 100}, []),
    "newer ones": ({"keep_newer": 2.5 * DAY}, NAMES[3:]),
    "patterns": ({"keep_tags": ("v*", "latest")}, ["nightly-3", "nightly-2"]),
    "any part is enough": (
        {"keep_last": 1, "keep_newer": 1.5 * DAY, "keep_tags": ("v*",)},
        ["nightly-3", "nightly-2"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_tag_that_any_part_of_a_rule_names_stays(case: str) -> None:
    fields, gone = CASES[case]
    assert dropped(Retention(("team/*",), **fields)) == gone


def test_the_first_rule_that_matches_decides() -> None:
    keep_all = Retention(("team/app",), keep_last=100)
    keep_none = Retention(("*",), keep_last=0)
    assert dropped(keep_all, keep_none) == []
    assert dropped(keep_none, keep_all) == NAMES
    assert dropped(Retention(("other",), keep_last=0)) == []


def test_an_immutable_tag_stays() -> None:
    assert dropped(Retention(("*",), keep_last=1), immutable=("v*",)) == ["nightly-3", "nightly-2"]
