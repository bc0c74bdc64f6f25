"""The rules of the settings."""

from __future__ import annotations

from typing import get_args

import pytest

from wherry.registry.server.access.guard import Action
from wherry.registry.server.access.rules import Rules, in_entries
from wherry.registry.server.settings import Access, Rule

ACCESS = Access(
    htpasswd="x",
    administrators=("root",),
    rules=(
        Rule(("public/*",), pull=("anyone",), push=("ann", "robot:ci")),
        Rule(("team/secret",), pull=("bob",)),
        Rule(("team/*", "teams"), pull=("accounts",), push=("ann",), delete=("ann",)),
        Rule(("drop",), push=("bob",)),
    ),
)
# caller, repository, and the actions that are allowed
CASES = [
    ("", "public/a", {"pull"}),
    ("bob", "public/a", {"pull"}),
    ("ann", "public/a/b", {"pull", "push"}),
    ("robot:ci", "public/a", {"pull", "push"}),
    ("robot:other", "public/a", {"pull"}),
    ("", "team/a", set()),
    ("bob", "team/a", {"pull"}),
    ("ann", "team/a", {"pull", "push", "delete"}),
    ("robot:ci", "team/a", set()),  # robots are not among `accounts`
    ("ann", "team/secret", set()),  # the first rule that matches decides
    ("bob", "team/secret", {"pull"}),
    ("ann", "teams", {"pull", "push", "delete"}),
    ("ann", "team", set()),  # closed, since no rule matches
    ("", "public", set()),
    ("bob", "drop", {"pull", "push"}),  # push implies pull
    ("root", "team/secret", {"pull", "delete"}),
    ("root", "anything", {"pull", "delete"}),
    ("accounts", "team/a", set()),  # a word of the rules is no name
    ("anyone", "drop", set()),
]


@pytest.mark.parametrize(("caller", "repository", "allowed"), CASES)
def test_the_first_rule_that_matches_decides(
    caller: str, repository: str, allowed: set[str]
) -> None:
    rules = Rules(ACCESS)
    for _ in range(2):  # the second time from memory
        found = {action for action in get_args(Action) if rules.allows(caller, repository, action)}
        assert found == allowed


@pytest.mark.parametrize(("caller", "allowed"), [("", False), ("ann", True), ("robot:ci", False)])
def test_without_rules_accounts_may_do_everything(caller: str, allowed: bool) -> None:
    rules = Rules(Access(htpasswd="x"))
    for action in get_args(Action):
        assert rules.allows(caller, "a/b", action) is allowed


def test_names_that_are_asked_for_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = Rules(ACCESS)
    for number in range(10_000):
        rules.allows("ann", f"team/{number}", "push")
    assert len(rules._deciding) <= 4096
    assert rules.allows("ann", "team/1", "push")


@pytest.mark.parametrize(
    ("name", "entries", "found"),
    [
        ("", ("anyone",), True),
        ("", ("accounts", "ann"), False),
        ("", ("",), False),
        ("ann", ("accounts",), True),
        ("ann", ("ann",), True),
        ("ann", ("bob",), False),
        ("robot:ci", ("accounts",), False),
        ("robot:ci", ("robot:ci",), True),
        ("robot:ci", ("anyone",), True),
        ("accounts", ("accounts",), False),
        ("ann", (), False),
    ],
)
def test_lists_of_settings(name: str, entries: tuple[str, ...], found: bool) -> None:
    assert in_entries(name, entries) is found
