"""The port between the HTTP side and access: who asks, and what they may do.

The HTTP side asks twice for each request: `identify`, before it looks at anything, and `require`,
once it knows which repository and action are meant. What a caller may not see is refused in the
same words whether it exists or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from wherry.base.errors import ForbiddenError, UnauthorisedError, UnavailableError
from wherry.base.values import dataclass, field

Action = Literal["pull", "push", "delete"]
ANONYMOUS_NAME = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A request as access sees it: `headers` by lower-case name; `address` of the client, behind
    trusted proxies that of whom they speak for; `base_url` is how the client reached us.

    probe: it is a HEAD of a blob, as clients send before they push it. Some of them (oras for
    Python) use the token that they get for it to the end, so the challenge says what a push needs.
    """

    address: str
    headers: Mapping[str, str]
    base_url: str
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `name` is "" for nobody in particular, `robot:<name>` for a robot.

    grants: for a bearer token, the actions it was given for each repository; None: the rules
    alone decide.
    """

    name: str = ANONYMOUS_NAME
    address: str = ""
    grants: Mapping[str, frozenset[str]] | None = field(default=None)


class AuthenticationRequiredError(UnauthorisedError):
    """UNAUTHORIZED, 401; `challenges` are the values of WWW-Authenticate."""

    def __init__(self, message: str, challenges: Sequence[str]) -> None:
        super().__init__(message)
        self.challenges = tuple(challenges)


class DeniedError(ForbiddenError):
    """DENIED, 403: known, and not allowed."""


class TooManyRequestsError(UnavailableError):
    """TOOMANYREQUESTS, 429; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Guard(Protocol):
    """Decides. `OpenGuard` lets everybody in; `AccessGuard` has accounts and rules."""

    async def identify(self, peer: Peer) -> Caller:
        """Return who asks; raises AuthenticationRequiredError for credentials that are wrong,
        TooManyRequestsError. No credentials are no error here."""

    def require(self, peer: Peer, caller: Caller, name: str, *actions: Action) -> None:
        """Let it pass or raise AuthenticationRequiredError (with the scope that is missing),
        DeniedError, TooManyRequestsError."""

    def require_login(self, peer: Peer, caller: Caller, scope: str = "") -> None:
        """For routes of no repository: raise AuthenticationRequiredError where clients have to log
        in; `scope` is what they are told to ask for."""

    def may(self, caller: Caller, name: str, action: Action) -> bool:
        """Tell the same without raising: for lists, and for the buttons of pages."""

    def in_list(self, caller: Caller, entries: Sequence[str]) -> bool:
        """Tell whether a list of a setting (`anyone`, `accounts`, names) has the caller."""


class OpenGuard:
    """For a registry without accounts and rules: everybody may do everything."""

    async def identify(self, peer: Peer) -> Caller:
        """Return nobody in particular."""
        return Caller(address=peer.address)

    def require(self, peer: Peer, caller: Caller, name: str, *actions: Action) -> None:
        """Let everything pass."""

    def require_login(self, peer: Peer, caller: Caller, scope: str = "") -> None:
        """Let everybody in."""

    def may(self, caller: Caller, name: str, action: Action) -> bool:  # noqa: ARG002
        """Allow everything."""
        return True

    def in_list(self, caller: Caller, entries: Sequence[str]) -> bool:  # noqa: ARG002
        """Every list has everybody."""
        return True
