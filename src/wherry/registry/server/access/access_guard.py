"""The guard of a registry with accounts or rules.

Who asks is told by Basic credentials, of an account or a robot, or by a bearer token of ours; what
they may do is told by the rules and a robot's scopes, and for a token by what it was given as well.
A token counts only while its account has the password that it had, or the robot its secret.

Refusals are what clients turn into clear words. Without credentials: 401 and a challenge with the
scope that is missing. With a token that lacks it: the same with `insufficient_scope`, which clients
show as `denied: requested access to the resource is denied`, and which lets them ask for the scope.
With Basic credentials there is nothing to ask for: 403.

What a stranger can learn:
- that there is a registry with accounts here, and its token service;
- which of the repositories that `anyone` may pull exist, and what is in them;
- of other names nothing: the guard decides by the name that was asked for and never looks whether
  it is there, so the answer for a private repository is that for an unknown one, byte for byte, and
  a token says the same for both;
- of accounts and robots nothing: a wrong name and a wrong password get the same words, the work for
  both is the same, and waiting after failures counts names that are not there, too.
Robots' names are no secrets: the first look for one in a while takes a query, whoever asks.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from wherry.base.values import dataclass
from wherry.registry.server.access.credentials import (
    BearerToken,
    Password,
    UnreadableCredentialsError,
    is_robot,
    read_authorization,
)
from wherry.registry.server.access.guard import (
    Action,
    AuthenticationRequiredError,
    Caller,
    DeniedError,
    Peer,
)
from wherry.registry.server.access.htpasswd import Accounts
from wherry.registry.server.access.logins import Logins
from wherry.registry.server.access.passwords import Passwords
from wherry.registry.server.access.robots import ACTIONS, Robots, is_secret_of
from wherry.registry.server.access.rules import Rules, in_entries
from wherry.registry.server.access.scopes import CATALOG, EVERYTHING, Scope
from wherry.registry.server.access.tokens import Subject, TokenInvalidError, Tokens
from wherry.registry.server.settings import ANYONE

DENIED = "requested access to the resource is denied"
REQUIRED = "authentication required"
WRONG = "incorrect username or password"
TOKEN_PATH = "/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Deciders:
    """What the guard asks; `realm` is what browsers show for Basic."""

    accounts: Accounts
    passwords: Passwords
    robots: Robots
    rules: Rules
    tokens: Tokens
    logins: Logins
    realm: str


def service_of(peer: Peer) -> str:
    """Return what tokens for a client are made for: the registry as that client calls it."""
    return urlsplit(peer.base_url).netloc


def challenge(peer: Peer, scope: str = "", error: str = "") -> str:
    """Return a value of WWW-Authenticate that leads to the token service."""
    parameters = {"realm": peer.base_url + TOKEN_PATH, "service": service_of(peer)}
    parameters |= {"scope": scope} if scope else {}
    parameters |= {"error": error} if error else {}
    return "Bearer " + ",".join(f"{name}={_quoted(value)}" for name, value in parameters.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class AccessGuard:
    """Decides by accounts, robots and rules; see the module."""

    def __init__(self, deciders: Deciders) -> None:
        self._accounts = deciders.accounts
        self._passwords = deciders.passwords
        self._robots = deciders.robots
        self._rules = deciders.rules
        self._logins = deciders.logins
        self._realm = deciders.realm
        self.tokens = deciders.tokens

    async def identify(self, peer: Peer) -> Caller:
        """Return who asks; raises AuthenticationRequiredError, TooManyRequestsError."""
        header = peer.headers.get("authorization", "")
        if not header:
            return Caller(address=peer.address)
        try:
            given = read_authorization(header)
        except UnreadableCredentialsError as error:
            raise self.refusal(peer, str(error)) from None
        if isinstance(given, BearerToken):
            return await self._by_token(peer, given)
        return await self.log_in(peer, given)

    async def log_in(self, peer: Peer, given: Password) -> Caller:
        """Return whose password it is; raises as `identify`."""
        self._logins.check(given.name, peer.address)

        def begin() -> None:
            self._logins.begin(given.name, peer.address)

        if is_robot(given.name):
            robot = await self._robots.find(given.name)
            begin()
            right = is_secret_of(robot, given.password)
        else:
            right = await self._passwords.verify(given.name, given.password, begin)
        if not right:
            raise self.refusal(peer, WRONG)
        self._logins.succeeded(given.name, peer.address)
        return Caller(given.name, peer.address)

    async def _by_token(self, peer: Peer, given: BearerToken) -> Caller:
        try:
            claims = self.tokens.read(given.token, service_of(peer))
            await self.check(claims.subject)
        except TokenInvalidError as error:
            wanted = challenge(peer, error="invalid_token")
            raise AuthenticationRequiredError(str(error), [wanted]) from None
        return Caller(claims.subject.name, peer.address, claims.grants)

    def refusal(self, peer: Peer, message: str) -> AuthenticationRequiredError:
        """Return the error for credentials that are wrong."""
        basic = f'Basic realm={_quoted(self._realm)},charset="UTF-8"'
        return AuthenticationRequiredError(message, [challenge(peer), basic])

    async def subject(self, name: str) -> Subject | None:
        """Return a caller as he is now, for tokens and sessions; None when he is not there."""
        if not name:
            return Subject()
        if is_robot(name):
            robot = await self._robots.find(name)
            stored = robot.secret_hash if robot else None
        else:
            stored = await self._accounts.stored(name)
        return None if stored is None else Subject(name, self.tokens.seal(name, stored))

    async def check(self, subject: Subject) -> None:
        """Raise TokenInvalidError unless the caller is there, with the password that he had."""
        present = await self.subject(subject.name)
        if present is None or not hmac.compare_digest(present.seal, subject.seal):
            raise TokenInvalidError("the account has been removed, or its password has changed")

    async def reload(self) -> None:
        """Read the file of accounts again, whether it looks changed or not."""
        await self._accounts.refresh(at_once=True)

    # decisions

    def require(self, peer: Peer, caller: Caller, name: str, *actions: Action) -> None:
        """Let it pass; raises AuthenticationRequiredError, DeniedError."""
        if all(self._allows(caller, name, action) for action in actions):
            return
        if caller.name and caller.grants is None:
            raise DeniedError(DENIED)
        # A push takes both, since clients look what is there before they send.
        both = peer.probe or "push" in actions
        wanted = dict.fromkeys(("pull", "push", *actions) if both else actions)
        scope = f"repository:{name}:{','.join(wanted)}"
        if caller.grants is None:
            raise AuthenticationRequiredError(REQUIRED, [challenge(peer, scope)])
        raise AuthenticationRequiredError(DENIED, [challenge(peer, scope, "insufficient_scope")])

    def require_login(self, peer: Peer, caller: Caller, scope: str = "") -> None:
        """Let pass who has logged in or has any token; raises AuthenticationRequiredError."""
        if not caller.name and caller.grants is None:
            raise AuthenticationRequiredError(REQUIRED, [challenge(peer, scope)])

    def may(self, caller: Caller, name: str, action: Action) -> bool:
        """Tell as `require` does; a token for the catalog is enough to see what could be pulled."""
        listing = caller.grants is not None and EVERYTHING in caller.grants.get(CATALOG, ())
        if listing and action == "pull":
            return self._may_ever(caller.name, name, action)
        return self._allows(caller, name, action)

    def in_list(self, caller: Caller, entries: Sequence[str]) -> bool:
        """Tell whether a list has the caller; a token is for repositories and nothing else."""
        return ANYONE in entries or (caller.grants is None and in_entries(caller.name, entries))

    def grant(self, name: str, scopes: Iterable[Scope]) -> Mapping[str, tuple[str, ...]]:
        """Return as much of what is asked for as a caller of this name may do."""
        granted = {scope.resource: tuple(self._granted(name, scope)) for scope in scopes}
        return {resource: actions for resource, actions in granted.items() if actions}

    def _granted(self, name: str, scope: Scope) -> list[str]:
        if scope.resource == CATALOG:
            # The list itself shows each caller what he may pull and nothing else.
            return [EVERYTHING] if EVERYTHING in scope.actions else []
        every = EVERYTHING in scope.actions
        asked = [action for action in ACTIONS if every or action in scope.actions]
        return [action for action in asked if self._may_ever(name, scope.resource, action)]

    def _allows(self, caller: Caller, name: str, action: Action) -> bool:
        if caller.grants is not None:
            granted = caller.grants.get(name, frozenset[str]())
            if action not in granted and not (action == "pull" and "push" in granted):
                return False
        return self._may_ever(caller.name, name, action)

    def _may_ever(self, caller_name: str, name: str, action: Action) -> bool:
        if self._rules.allows(caller_name, name, action):
            return True
        return is_robot(caller_name) and self._robots.allows(caller_name, name, action)
