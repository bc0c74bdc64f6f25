"""Credentials, as the client of the API sent them with a request."""

from __future__ import annotations

import base64
import binascii

from wherry.base.values import dataclass, field
from wherry.wire.requests import AuthConfig


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. Hashable, so that tokens are kept apart by whom they were given to.

    `identity_token` is exchanged for tokens by OAuth 2; `registry_token` is sent as it is. None of
    the secrets shows in a representation.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def has_password(self) -> bool:
        """Tell whether there is something for basic authentication."""
        return bool(self.username and self.password)

    def basic(self) -> str:
        """Return the value of an Authorization header."""
        joined = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(joined).decode()


ANONYMOUS = Credentials()


def credentials_of(config: AuthConfig | None) -> Credentials:
    """Return what an AuthConfig holds; `auth` (base64 of user:password) where the rest is empty."""
    if config is None:
        return ANONYMOUS
    username, password = config.username, config.password
    if config.auth and not username:
        username, password = _decoded(config.auth)
    return Credentials(username, password, config.identitytoken, config.registrytoken)


def _decoded(auth: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, password = text.partition(":")
    return username, password.rstrip("\0")
