"""Retention: which tags of a repository are dropped. Pure.

The first rule that matches a repository's name decides for it. A rule that says nothing of tags
keeps all of them; otherwise a tag stays when any part of the rule names it, and when it is
immutable.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.registry.server.catalog.catalog import TagRow
from wherry.registry.server.hosted.immutable import ImmutableTags
from wherry.registry.server.patterns import Patterns
from wherry.registry.server.settings import Retention


class Keeping:
    """The rules of retention, with their patterns compiled."""

    def __init__(self, retention: Sequence[Retention], immutable: ImmutableTags) -> None:
        self._rules = [(Patterns(rule.repositories), rule) for rule in retention]
        self._immutable = immutable

    @property
    def any(self) -> bool:
        """Tell whether anything is ever dropped."""
        return bool(self._rules)

    def rule_for(self, name: str) -> Retention | None:
        """Return the rule that decides for a repository."""
        return next((rule for names, rule in self._rules if names.match(name)), None)

    def dropped(self, name: str, rows: Sequence[TagRow], now: float) -> list[TagRow]:
        """Return the tags that go; `rows` are all of the repository, the last pushed first."""
        rule = self.rule_for(name)
        if rule is None or not _speaks_of_tags(rule):
            return []
        kept = Patterns(rule.keep_tags)
        last = rule.keep_last or 0
        return [
            row
            for row in rows[last:]
            if not (rule.keep_newer is not None and row.pushed > now - rule.keep_newer)
            and not kept.match(row.name)
            and not self._immutable.has(name, row.name)
        ]


def _speaks_of_tags(rule: Retention) -> bool:
    return rule.keep_last is not None or rule.keep_newer is not None or bool(rule.keep_tags)
