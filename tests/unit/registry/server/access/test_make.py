"""Access, put together from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.registry.server.access.access_guard import AccessGuard
from wherry.registry.server.access.guard import OpenGuard
from wherry.registry.server.access.htpasswd import AccountsUnreadableError
from wherry.registry.server.access.make import access_sites, make_guard
from wherry.registry.server.access.rates import LimitedSite
from wherry.registry.server.access.token_site import TokenSite
from wherry.registry.server.settings import Access, Rates, Rule, Settings

PUBLIC = Rule(("*",), pull=("anyone",))


class Behind:
    """A site."""

    async def answer(self, exchange: object) -> None:
        """Answer nothing."""


async def test_neither_accounts_nor_rules_is_open(place) -> None:
    guard = await make_guard(Settings(), place.shelf.catalog, place.clock)
    assert isinstance(guard, OpenGuard)
    behind = Behind()
    assert access_sites(guard, Rates(), place.clock, [behind]) == [behind]
    [limited] = access_sites(guard, Rates(pulls=1), place.clock, [behind])
    assert isinstance(limited, LimitedSite)


@pytest.mark.parametrize(("accounts", "rules"), [(True, (PUBLIC,)), (True, ()), (False, (PUBLIC,))])
async def test_accounts_or_rules(place, accounts: bool, rules: tuple[Rule, ...]) -> None:
    settings = Settings(access=Access(str(place.file) if accounts else "", rules))
    guard = await make_guard(settings, place.shelf.catalog, place.clock)
    assert isinstance(guard, AccessGuard)
    behind = Behind()
    first, second = access_sites(guard, settings.access.rates, place.clock, [behind])
    assert first is behind
    assert isinstance(second, TokenSite)
    nobody = await guard.identify(place.peer())
    assert guard.may(nobody, "a", "pull") is bool(rules)
    if accounts:
        ann = await guard.identify(place.peer(place.basic("ann")))
        assert guard.may(ann, "a", "push") is not bool(rules)


async def test_processes_share_the_secret(place, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []

    async def secret(name: str, proposal: bytes) -> bytes:
        kept.append(proposal)
        return kept[0]

    monkeypatch.setattr(place.shelf, "secret", secret)
    settings = Settings(access=Access(str(place.file)))
    first, second = [await make_guard(settings, place.shelf.catalog, place.clock) for _ in range(2)]
    assert isinstance(first, AccessGuard)
    assert len(set(kept)) == 2
    assert len(kept[0]) == 32
    subject = await first.subject("ann")
    assert subject
    token = first.tokens.issue(subject, "registry.test:5000", {})
    assert (await second.identify(place.peer(f"Bearer {token}"))).name == "ann"


async def test_a_file_that_is_not_there(place, tmp_path: Path) -> None:
    settings = Settings(access=Access(str(tmp_path / "none")))
    with pytest.raises(AccountsUnreadableError):
        await make_guard(settings, place.shelf.catalog, place.clock)
