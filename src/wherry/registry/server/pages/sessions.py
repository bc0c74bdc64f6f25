"""What the cookie of a session says, and the tokens of forms: signed, kept nowhere.

A session is `<payload>.<signature>`, both in base64: the account's name, its seal and when it ends.
The seal is the guard's: it changes with the password, so a new password ends all sessions of an
account, in every process. Logging out forgets the cookie in the browser; a copy of it that somebody
has made counts until it ends.

The token of a form says that the form was made here, for this browser and for this purpose: it is
bound to the session, or without one to a cookie that is made for it. Another site can make a
browser send a form, but neither read the token nor choose the cookie.

Both are signed with a key derived from the secret that all processes share.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets

from wherry.base.values import dataclass

SESSION_SECONDS = 12 * 3600
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Session:
    """Who has logged in: `seal` is the guard's, "" where it has none; `expires` in seconds since
    the epoch; `token` is what the cookie has."""

    name: str
    seal: str
    expires: float
    token: str = ""


class Signer:
    """Signs sessions and forms with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._sessions = _derived(secret, b"sessions")
        self._forms = _derived(secret, b"forms")
        # Cookies do not know ports: two registries of one host must not take each other's.
        self.mark = _derived(secret, b"cookies").hex()[:8]

    def sign(self, session: Session) -> str:
        """Return the token of a session."""
        fields = [session.name, session.seal, int(session.expires)]
        payload = _encoded(json.dumps(fields, separators=(",", ":")).encode())
        return f"{payload}.{self._signature(payload)}"

    def read(self, token: str, now: float) -> Session | None:
        """Return the session that a cookie has; None when we did not sign it or it has ended."""
        payload, _, signature = token.partition(".")
        if len(token) > _LONGEST or not _same(signature, self._signature(payload)):
            return None
        name, seal, expires = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return Session(name, seal, expires, token) if now < expires else None

    def form_token(self, binding: str, purpose: str) -> str:
        """Return the token of a form with a purpose, for one browser."""
        return _encoded(_mac(self._forms, f"{purpose}\0{binding}"))

    def is_form_token(self, token: str, binding: str, purpose: str) -> bool:
        """Tell whether a form came with its token; never without a binding."""
        return bool(binding) and _same(token, self.form_token(binding, purpose))

    def _signature(self, payload: str) -> str:
        return _encoded(_mac(self._sessions, payload))


def new_binding() -> str:
    """Return what binds the forms of a browser without a session to it."""
    return secrets.token_urlsafe(24)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"wherry pages: " + purpose, hashlib.sha256)


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())
