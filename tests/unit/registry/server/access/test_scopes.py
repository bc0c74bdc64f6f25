"""Scopes of tokens."""

from __future__ import annotations

import pytest

from wherry.registry.server.access.scopes import (
    CATALOG,
    MOST_SCOPES,
    Scope,
    TooManyScopesError,
    claim_of,
    read_scopes,
    scope_words,
)


@pytest.mark.parametrize(
    ("values", "scopes"),
    [
        (["repository:a/b:pull,push"], [Scope("a/b", ("pull", "push"))]),
        (["repository:a:pull repository:b:pull"], [Scope("a", ("pull",)), Scope("b", ("pull",))]),
        (["repository:a:pull", "repository:a:push"], [Scope("a", ("pull", "push"))]),
        (["repository(plugin):a:pull"], [Scope("a", ("pull",))]),
        (["repository:a:*"], [Scope("a", ("*",))]),
        (["registry:catalog:*"], [Scope(CATALOG, ("*",))]),
        (["repository:a:pull,,PULL,pull"], [Scope("a", ("pull",))]),
        ([""], []),
        ([], []),
        # what means nothing here is left out
        (["repository:a"], []),
        (["repository:a:"], []),
        (["repository::pull"], []),
        (["repository:../a:pull"], []),
        (["repository:A:pull"], []),
        (["repository:host:5000/a:pull"], []),
        (["registry:other:*"], []),
        (["aws:a:pull"], []),
        (["repository(:a:pull"], []),
        (["repository:" + "a" * 300 + ":pull"], []),
    ],
)
def test_what_clients_ask_for(values: list[str], scopes: list[Scope]) -> None:
    assert read_scopes(values) == scopes


def test_a_token_has_a_bounded_number_of_scopes() -> None:
    words = [f"repository:a{number}:pull" for number in range(MOST_SCOPES)]
    assert len(read_scopes([" ".join(words)])) == MOST_SCOPES
    with pytest.raises(TooManyScopesError):
        read_scopes([*words, "repository:b:pull"])


def test_what_replies_and_tokens_say() -> None:
    grants = {"a/b": ("pull", "push"), CATALOG: ("*",)}
    assert scope_words(grants) == "repository:a/b:pull,push registry:catalog:*"
    assert claim_of(grants) == [
        {"type": "repository", "name": "a/b", "actions": ["pull", "push"]},
        {"type": "registry", "name": "catalog", "actions": ["*"]},
    ]
    assert scope_words({}) == ""
