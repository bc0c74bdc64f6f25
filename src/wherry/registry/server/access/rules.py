"""The rules of the settings, compiled: what a name may do with a repository.

The first rule whose patterns match a repository decides; one that no rule matches is closed.
Without any rule, whoever has an account may do everything. Who may push may pull too, since every
client asks before it sends. Robots get what rules say of `anyone` or of them by name, and besides
what their own scopes say (`robots.py`). Knows nothing of tokens and requests.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.base.values import dataclass
from wherry.registry.server.access.credentials import is_robot
from wherry.registry.server.access.guard import ANONYMOUS_NAME, Action
from wherry.registry.server.patterns import Patterns
from wherry.registry.server.settings import ACCOUNTS, ANYONE, Access, Rule

_REMEMBERED = 4096


def in_entries(name: str, entries: Iterable[str]) -> bool:
    """Tell whether a list of a setting (`anyone`, `accounts`, names) has a caller of this name."""
    if ANYONE in entries:
        return True
    if name in {ANONYMOUS_NAME, ACCOUNTS}:
        return False
    return name in entries or (ACCOUNTS in entries and not is_robot(name))


@dataclass(frozen=True, slots=True)
class _Compiled:
    repositories: Patterns
    entries: dict[str, frozenset[str]]


def _compiled(rule: Rule) -> _Compiled:
    push = frozenset(rule.push)
    entries = {"pull": push.union(rule.pull), "push": push, "delete": frozenset(rule.delete)}
    return _Compiled(Patterns(rule.repositories), entries)


class Rules:
    """Decides by names alone; never raises."""

    def __init__(self, access: Access) -> None:
        self._rules = tuple(map(_compiled, access.rules))
        self._administrators = frozenset(access.administrators)
        self._deciding: dict[str, _Compiled | None] = {}

    def allows(self, name: str, repository: str, action: Action) -> bool:
        """Tell whether a caller of this name, "" for nobody in particular, may do it."""
        if action != "push" and name in self._administrators:
            return True
        if not self._rules:
            return name != ANONYMOUS_NAME and not is_robot(name)
        rule = self._rule(repository)
        return rule is not None and in_entries(name, rule.entries[action])

    def _rule(self, repository: str) -> _Compiled | None:
        if repository in self._deciding:
            return self._deciding[repository]
        matching = (rule for rule in self._rules if rule.repositories.match(repository))
        found = next(matching, None)
        if len(self._deciding) >= _REMEMBERED:
            # Names come from whoever asks; the table is begun anew rather than let grow.
            self._deciding.clear()
        self._deciding[repository] = found
        return found
