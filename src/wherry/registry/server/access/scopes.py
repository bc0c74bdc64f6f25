"""Scopes of tokens: `repository:team/app:pull,push`, as clients ask for them.

The grammar is that of the distribution project's token specification. Classes of resources
(`repository(plugin)`) are read and ignored, as it says. What is not understood, or names no
possible repository, is left out without an error: a token then lacks it, and the request that needs
it says so. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.registry.server.backend import RepositoryNameError, check_name

CATALOG = "registry:catalog"  # among grants; no repository can be called so
EVERYTHING = "*"
MOST_SCOPES = 32
_TYPE = re.compile(r"([a-z0-9]+)(?:\([a-z0-9]+\))?")
_ACTION = re.compile(r"[a-z]+|\*")


class TooManyScopesError(InvalidError):
    """A token is sent with every request, so it has to stay small."""

    def __init__(self) -> None:
        super().__init__(f"a token can have {MOST_SCOPES} scopes: ask for several tokens")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a client asks for: `resource` is a repository's name, or CATALOG."""

    resource: str
    actions: tuple[str, ...]


def read_scopes(values: Iterable[str]) -> list[Scope]:
    """Read the values of `scope` parameters, each of which may hold several.

    Raises TooManyScopesError. One resource named twice is one scope.
    """
    asked: dict[str, dict[str, None]] = {}
    words = [word for value in values for word in value.split()]
    if len(words) > MOST_SCOPES:
        raise TooManyScopesError
    for word in words:
        if scope := _read(word):
            asked.setdefault(scope.resource, {}).update(dict.fromkeys(scope.actions))
    return [Scope(resource, tuple(actions)) for resource, actions in asked.items()]


def _read(word: str) -> Scope | None:
    kind, _, rest = word.partition(":")
    name, _, listed = rest.rpartition(":")
    match = _TYPE.fullmatch(kind)
    actions = tuple(action for action in listed.split(",") if _ACTION.fullmatch(action))
    if match is None or not actions:
        return None
    if match[1] == "repository":
        return Scope(name, actions) if _possible(name) else None
    return Scope(CATALOG, actions) if f"{match[1]}:{name}" == CATALOG else None


def _possible(name: str) -> bool:
    try:
        check_name(name)
    except RepositoryNameError:
        return False
    return True


def claim_of(grants: Mapping[str, Iterable[str]]) -> list[dict[str, object]]:
    """Return grants as the `access` claim of a token."""
    claim: list[dict[str, object]] = []
    for resource, actions in grants.items():
        kind, name = resource.split(":") if resource == CATALOG else ("repository", resource)
        claim.append({"type": kind, "name": name, "actions": list(actions)})
    return claim


def scope_words(grants: Mapping[str, Iterable[str]]) -> str:
    """Return grants as the `scope` of a token service's reply."""
    return " ".join(
        f"{resource if resource == CATALOG else f'repository:{resource}'}:{','.join(actions)}"
        for resource, actions in grants.items()
    )
