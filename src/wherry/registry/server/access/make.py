"""Access, put together from the settings: the guard, and the sites that belong to it.

Every process of a registry makes its own; what they share is in the catalog: robots, and the secret
that tokens are signed with. Counts of requests and of failed logins are each process's own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from wherry.base.crossing import in_thread
from wherry.registry.server.access.access_guard import AccessGuard, Deciders
from wherry.registry.server.access.guard import Guard, OpenGuard
from wherry.registry.server.access.htpasswd import Accounts
from wherry.registry.server.access.logins import Logins
from wherry.registry.server.access.passwords import Passwords
from wherry.registry.server.access.rates import LimitedSite, Limiter
from wherry.registry.server.access.robots import Robots
from wherry.registry.server.access.rules import Rules
from wherry.registry.server.access.token_site import TokenSite
from wherry.registry.server.access.tokens import Tokens
from wherry.registry.server.catalog.catalog import Catalog
from wherry.registry.server.http.exchange import Site
from wherry.registry.server.settings import Rates, Settings

Now = Callable[[], float]
_SECRET = "tokens"  # noqa: S105 - a name


async def make_guard(settings: Settings, catalog: Catalog, now: Now) -> Guard:
    """Return the guard; `now` in seconds since the epoch.

    Raises AccountsFileError, AccountsUnreadableError, UnavailableError.
    """
    access = settings.access
    if access.open:
        return OpenGuard()
    accounts = Accounts(access.htpasswd)
    await in_thread(accounts.load)
    secret = await catalog.secret(_SECRET, secrets.token_bytes(32))
    return AccessGuard(
        Deciders(
            accounts=accounts,
            passwords=Passwords(accounts),
            robots=Robots(catalog, now),
            rules=Rules(access),
            tokens=Tokens(secret, access.token_seconds, now),
            logins=Logins(access.rates),
            realm=access.realm,
        )
    )


def access_sites(guard: Guard, rates: Rates, now: Now, behind: Sequence[Site]) -> list[Site]:
    """Return the sites that are subject to access: `behind`, tokens, and limits before all of them.

    behind: the protocol and search. Health and metrics do not belong there: those who look after
    the registry ask for them when it has most to do.
    """
    sites = [*behind, TokenSite(guard, now)] if isinstance(guard, AccessGuard) else list(behind)
    if not (rates.pulls or rates.pushes or rates.requests):
        return sites
    return [LimitedSite(sites, Limiter(rates))]
