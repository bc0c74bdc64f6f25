"""Which tags are never moved or deleted: what the rules of the settings say of them."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.registry.server.patterns import Patterns
from wherry.registry.server.settings import Rule


class ImmutableTags:
    """The rules' patterns, compiled once; the first rule that matches a repository decides."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        # Where no rule speaks of tags, nobody has to go through them.
        relevant = rules if any(rule.immutable for rule in rules) else ()
        self._rules = [(Patterns(rule.repositories), Patterns(rule.immutable)) for rule in relevant]

    def has(self, name: str, tag: str) -> bool:
        """Tell whether a tag of a repository has to stay where it is."""
        for repositories, tags in self._rules:
            if repositories.match(name):
                return tags.match(tag)
        return False
