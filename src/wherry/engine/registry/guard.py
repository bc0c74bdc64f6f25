"""Who may do what with the engine's images.

With a file of accounts, whoever has logged in may do everything, and others nothing. Without one,
everybody may pull, and only callers of this machine may push and delete: `is_local` tells. What
comes from the loopback is not of this machine when a proxy or a browser stands behind it: a web
page must not push for the user who looks at it, nor by a name of its own that leads to 127.0.0.1.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from wherry.base.crossing import in_thread
from wherry.engine.registry.names import LOCAL_NAMES
from wherry.registry.server.access.access_guard import AccessGuard, Deciders
from wherry.registry.server.access.guard import Action, Caller, DeniedError, OpenGuard, Peer
from wherry.registry.server.access.htpasswd import Accounts
from wherry.registry.server.access.logins import Logins
from wherry.registry.server.access.passwords import Passwords
from wherry.registry.server.access.robots import Robots
from wherry.registry.server.access.rules import Rules
from wherry.registry.server.access.tokens import Tokens
from wherry.registry.server.catalog.catalog import Robot
from wherry.registry.server.settings import Access

_BEHIND: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via", "origin", "sec-fetch-site")


def is_local(peer: Peer) -> bool:
    """Tell whether a request comes from a program on this machine."""
    if not _is_loopback(peer.address) or any(name in peer.headers for name in _BEHIND):
        return False
    return _is_own_host(peer.headers.get("host", ""))


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _is_own_host(host: str) -> bool:
    """Tell whether a Host header names this machine, as no stranger's domain can."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in LOCAL_NAMES or name == os.uname().nodename.lower():
        return True
    return _is_loopback(name)


class LocalGuard(OpenGuard):
    """Without accounts: everybody reads, this machine writes."""

    def require(self, peer: Peer, caller: Caller, name: str, *actions: Action) -> None:  # noqa: ARG002
        """Let it pass; raises DeniedError for what only this machine may do."""
        if any(action != "pull" for action in actions) and not is_local(peer):
            raise DeniedError(
                "requested access to the resource is denied: without accounts"
                " (wherryd --registry-htpasswd) only the engine's own machine can push"
            )

    def may(self, caller: Caller, name: str, action: Action) -> bool:  # noqa: ARG002
        """Tell about reading; whether a caller is local, its requests have to show."""
        return action == "pull"

    def in_list(self, caller: Caller, entries: Sequence[str]) -> bool:  # noqa: ARG002
        """No list of the settings has anybody: there are none."""
        return False


class _NoRobots(Robots):
    """An engine has no robot accounts."""

    def __init__(self) -> None:
        """Need no catalog."""

    async def find(self, name: str) -> Robot | None:  # noqa: ARG002
        """Find none."""
        return None

    def allows(self, name: str, repository: str, action: Action) -> bool:  # noqa: ARG002
        """Allow nothing."""
        return False


async def accounts_guard(htpasswd: str, secret: bytes) -> AccessGuard:
    """Return the guard for a file of accounts; `secret` signs tokens.

    Raises AccountsFileError, AccountsUnreadableError.
    """
    access = Access(htpasswd=htpasswd)
    accounts = Accounts(htpasswd)
    await in_thread(accounts.load)
    return AccessGuard(
        Deciders(
            accounts=accounts,
            passwords=Passwords(accounts),
            robots=_NoRobots(),
            rules=Rules(access),
            tokens=Tokens(secret, access.token_seconds, time.time),
            logins=Logins(access.rates),
            realm="wherry",
        )
    )


def is_trusted(peer: Peer, caller: Caller, guard: LocalGuard | AccessGuard) -> bool:
    """Tell whether a caller may name whatever the engine has by its digest."""
    return is_local(peer) and (isinstance(guard, LocalGuard) or bool(caller.name))
