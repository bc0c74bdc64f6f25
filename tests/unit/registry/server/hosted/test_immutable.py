from __future__ import annotations

from wherry.registry.server.hosted.immutable import ImmutableTags
from wherry.registry.server.settings import Rule


def test_the_first_rule_that_matches_decides() -> None:
    tags = ImmutableTags(
        [
            Rule(("team/scratch",)),
            Rule(("team/*",), immutable=("v*", "stable")),
            Rule(("*",), immutable=("*",)),
        ]
    )
    assert not tags.has("team/scratch", "v1")
    assert tags.has("team/app", "v1")
    assert tags.has("team/app", "stable")
    assert not tags.has("team/app", "latest")
    assert tags.has("other", "latest")


def test_without_rules_every_tag_moves() -> None:
    assert not ImmutableTags().has("any", "v1")
    assert not ImmutableTags([Rule(("*",))]).has("any", "v1")
